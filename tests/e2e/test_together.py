"""Two people deploy at once: one acts, and the other is refused, waits, or takes over, as the project says."""

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(180)]

LONG = [{"weight": "50%", "bake": "90s", "deadline": "100s"}]
ASKING = [{"weight": "50%", "pause": "is it good?"}]


def test_of_two_at_the_same_moment_exactly_one_acts(town: Town) -> None:
    names = [town.build(), town.build("v2")]
    town.plan(steps=LONG)
    with town.customers():
        commands = {name: town.start("deploy", "--artifact", name, "--json") for name in names}
        town.until(lambda: any(one.process.poll() is not None for one in commands.values()), "one to end")
        town.comes_to("baking", "refused")
        town.until(lambda: {"baking", "refused"} == {one.phase for one in town.releases()[:2]}, "one to bake")
        assert town.headgate("promote", "--reason", "it has been seen").code == 0
        done = {name: command.end() for name, command in commands.items()}
    assert sorted(one.code for one in done.values()) == [0, 3], done
    (acted,) = [name for name, one in done.items() if one.code == 0]
    (refused,) = [one for one in done.values() if one.code == 3]
    assert refused.report["outcome"] == "refused"
    assert "is moving shop/production/web" in refused.report["reason"]
    assert town.answerers() == {acted}


def test_a_queued_one_waits_for_its_turn(town: Town) -> None:
    first, second = town.build(), town.build("v2")
    town.plan(production={"concurrency": "queue"}, steps=ASKING)
    with town.customers():
        ahead = town.start("deploy", "--artifact", first, "--json", "--wait")
        town.comes_to("waiting for approval")
        release = town.releases()[0].release
        town.plan(production={"concurrency": "queue"})
        behind = town.start("deploy", "--artifact", second, "--json")
        town.comes_to("queued")
        assert town.headgate("approve", release).code == 0
        one, other = ahead.end(), behind.end()
    assert (one.code, one.report["outcome"]) == (0, "promoted"), one.said
    assert (other.code, other.report["outcome"]) == (0, "promoted"), other.said
    assert other.report["from"] == one.report["to"]
    assert town.answerers() == {second}


def test_a_newer_one_supersedes_the_one_under_way(town: Town) -> None:
    first, second = town.build(), town.build("v2")
    before = town.stable()
    town.plan(production={"concurrency": "supersede"}, steps=LONG)
    with town.customers():
        ahead = town.start("deploy", "--artifact", first, "--json")
        town.comes_to("baking")
        town.plan(production={"concurrency": "supersede"})
        other = town.deploy(second)
        one = ahead.end()
    assert (one.code, one.report["outcome"]) == (6, "aborted"), one.said
    assert f"superseded by {other.report['release']}" in one.report["reason"]
    assert (other.code, other.report["outcome"]) == (0, "promoted"), other.said
    assert other.report["from"] == one.report["from"]
    assert before not in town.answerers()
