"""The person at the wheel: back to an earlier release, again with a reason, abort, promote, and nothing at all."""

import shutil

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(180)]

BAKING = [{"weight": "50%", "bake": "60s", "deadline": "120s"}]
WRONG_PAGE = "Shop.front_page = Shop.catalogue"
SMOKE_FIRST = [{"smoke": True}, {"weight": "50%", "bake": "1s"}]


def test_back_to_an_earlier_release_and_not_to_one_whose_artifact_is_gone(town: Town) -> None:
    labels = [town.build() for _ in range(3)]
    with town.customers() as customers:
        first, second, _ = [town.promoted(label, "--break-glass", "no time") for label in labels]
        back = town.headgate("rollback", first, "--json", "--reason", "the new prices are wrong")
        assert (back.code, back.report["outcome"]) == (0, "promoted"), back.said
        assert town.answerers() == {labels[0]}
    customers.seen.nothing_bad()
    digest = next(artifact.digest for artifact in town.artifacts() if artifact.provenance.label == labels[1])
    shutil.rmtree(town.home / "artifacts" / "trees" / digest)
    refused = town.headgate("rollback", second)
    assert refused.code == 3, refused.said
    assert "artifact" in refused.said
    assert digest[:12] in refused.said
    assert town.answerers() == {labels[0]}


def test_what_was_rolled_back_needs_a_reason_to_be_tried_again(town: Town) -> None:
    bad = town.build(main=WRONG_PAGE)
    town.plan(steps=SMOKE_FIRST)
    good = town.stable()
    first = town.deploy(bad)
    assert first.code == 4, first.said
    refused = town.headgate("deploy", "--artifact", bad)
    assert refused.code == 3, refused.said
    assert '--retry "reason"' in refused.said
    tried = town.deploy(bad, "--retry", "the page was being moved")
    assert tried.code == 4, tried.said
    retried = town.headgate("retry", first.report["release"], "--reason", "once more", "--json")
    assert (retried.code, retried.report["outcome"]) == (4, "rolled_back"), retried.said
    assert "once more" in town.headgate("explain", retried.report["release"]).said
    assert town.answerers() == {good}


def test_abort_during_a_bake(town: Town) -> None:
    good = town.stable()
    new = town.build()
    town.plan(steps=BAKING)
    with town.customers() as customers:
        command = town.start("deploy", "--artifact", new, "--json")
        town.comes_to("baking")
        abort = town.headgate("abort", "--reason", "a customer called")
        assert abort.code == 0, abort.said
        assert town.answerers() == {good}
        done = command.end()
    assert (done.code, done.report["outcome"]) == (6, "aborted"), done.said
    assert done.report["reason"] == "a customer called"
    customers.seen.nothing_bad()


def test_promote_over_the_judge(town: Town) -> None:
    new = town.build()
    town.plan(steps=BAKING)
    with town.customers() as customers:
        command = town.start("deploy", "--artifact", new, "--json")
        town.comes_to("baking")
        assert town.headgate("promote").code == 2
        promote = town.headgate("promote", "--reason", "the errors are the crawler's")
        assert promote.code == 0, promote.said
        done = command.end()
        assert town.answerers() == {new}
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    assert "the errors are the crawler's" in town.headgate("explain").said
    customers.seen.nothing_bad()


def test_what_runs_already_is_left_alone(town: Town) -> None:
    label = town.build()
    with town.customers():
        release = town.promoted(label)
        again = town.deploy(label)
    assert (again.code, again.report["outcome"]) == (0, "unchanged")
    assert again.report["from"] == again.report["to"]
    assert town.releases()[0].release == release


def test_a_changed_setting_is_a_release_like_any_other(town: Town) -> None:
    label = town.build()
    with town.customers() as customers:
        town.promoted(label)
        town.plan({"env": {"SHOP_NAME": "The shop around the corner"}})
        done = town.deploy(label)
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    assert [step["verdict"] for step in done.report["steps"]] == ["pass", "pass"]
    assert done.report["from"] == done.report["to"]
    assert "The shop around the corner" in town.get("/").body
    customers.seen.nothing_bad()
    assert town.headgate("rollback").code == 0
    assert "The shop around the corner" not in town.get("/").body
