"""How a new version gets its traffic: blue-green, rolling, canary with all that a step can say, all-at-once."""

import json

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(180)]

ROLLING = {
    "instances": 3,
    "probes": {"startup": {"failures": 20}},
    "rollout": {"strategy": "rolling", "steps": None, "soak": "500ms", "warm": "1s"},
}
PAUSE = {"weight": "50%", "pause": "is it good?"}
ONE_START = """
import os, pathlib
starts = pathlib.Path(os.environ["SHOP_DATABASE"]).parent / "starts"
starts.mkdir(exist_ok=True)
(starts / str(os.getpid())).touch()
if len(list(starts.iterdir())) > 1:
    raise SystemExit("there is room for one only")
"""


def test_blue_green_previews_before_the_switch_and_can_switch_back(town: Town) -> None:
    old, new = town.stable(), town.build()
    steps = [{"pause": "look at the preview"}]
    town.plan({"rollout": {"strategy": "blue-green", "steps": steps, "soak": "1s", "warm": "5m"}})
    with town.customers() as customers:
        held = town.deploy(new)
        assert (held.code, held.report["outcome"]) == (5, "held"), held.said
        assert town.preview().version == new
        assert town.get(x_headgate_preview="canary").version == new
        assert town.answerers() == {old}
        done = town.headgate("approve", "--json")
        assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
        assert town.answerers() == {new}
        assert town.shops(old), "the old colour is warm"
        before = {found.pid for found in town.shops(old)}
        back = town.headgate("rollback", "--json", "--reason", "the new prices are wrong")
        assert (back.code, back.report["outcome"]) == (0, "promoted"), back.said
        assert town.answerers() == {old}
    assert {found.pid for found in town.shops(old)} == before, "nothing had to be started"
    customers.seen.nothing_bad()


def test_rolling_replaces_one_instance_at_a_time(town: Town) -> None:
    town.plan(ROLLING)
    old, new = three_of(town), town.build("v2")
    with town.customers() as customers:
        assert "keep 2 of the old version" in town.headgate("plan", "--artifact", new).said
        done = town.deploy(new)
        assert town.answerers() == {new}
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    assert [step["weight"] for step in done.report["steps"]] == [33, 67, 100]
    assert len(town.shops(new)) == 3
    assert customers.seen.by_version.keys() == {old, new}
    customers.seen.nothing_bad()


def test_rolling_stops_at_the_first_unhealthy_one_and_restores_the_size(town: Town) -> None:
    town.plan(ROLLING)
    old, new = three_of(town), town.build(main=ONE_START)
    with town.customers() as customers:
        done = town.deploy(new)
        assert town.answerers() == {old}
    assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
    assert "there is room for one only" in done.report["reason"]
    assert [step["weight"] for step in done.report["steps"]] == [33]
    assert len(town.shops(old)) == 3
    assert not town.shops(new)
    customers.seen.nothing_bad()


def three_of(town: Town) -> str:
    """A version that runs with three instances."""
    old = town.build()
    town.promoted(old, "--break-glass", "a test is in a hurry")
    assert len(town.shops(old)) == 3
    return old


def test_a_canary_goes_to_staff_first_then_to_some_and_waits_for_a_yes(town: Town) -> None:
    old, new = town.stable(), town.build()
    town.plan(steps=[{"match": {"header": {"x-staff": "1"}}, "pause": "ask the staff"}, PAUSE])
    held = town.deploy(new)
    assert (held.code, held.report["outcome"], held.report["reason"]) == (5, "held", "ask the staff"), (
        held.said
    )
    assert town.answerers(x_staff="1") == {new}
    assert town.answerers() == {old}
    with town.customers():
        again = town.headgate("approve", "--json")
        assert (again.code, again.report["reason"]) == (5, "is it good?"), again.said
        assert town.answerers(60) == {old, new}
        done = town.headgate("approve", "--json", "--reason", "it is")
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    assert town.answerers() == {new}


def test_a_cookie_keeps_a_client_on_its_version(town: Town) -> None:
    old, new = town.stable(), town.build()
    town.plan(steps=[PAUSE], sticky={"cookie": "hg_arm", "ttl": "1h"})
    with town.customers():
        assert town.deploy(new).code == 5
    met: set[str | None] = set()
    for _ in range(8):
        first = town.get()
        cookie = first.headers["set-cookie"].partition(";")[0]
        assert town.answerers(12, cookie=cookie) == {first.version}
        met.add(first.version)
    assert met <= {old, new}


def test_a_mirror_copies_requests_and_throws_the_answers_away(town: Town) -> None:
    old, new = town.stable(), town.build()
    town.plan(steps=[{"mirror": "100%", "pause": "compare the logs"}])
    with town.customers() as customers:
        assert town.deploy(new).code == 5
        town.until(lambda: mirrored(town) >= 20, "copies to reach the new version")
        assert town.answerers() == {old}
    assert customers.seen.by_version.keys() == {old}
    customers.seen.nothing_bad()


def mirrored(town: Town) -> float:
    """Requests for the catalogue that the new version has had; only copies could have been."""
    metrics = town.preview("/metrics")
    lines = [line for line in metrics.body.splitlines() if line.startswith("shop_requests_total")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if "catalogue" in line)


def test_all_at_once_needs_the_glass_to_be_broken(town: Town) -> None:
    old, new = town.stable(), town.build()
    town.plan(strategy="all-at-once", steps=None)
    refused = town.deploy(new)
    assert refused.code == 2, refused.said
    assert "--break-glass" in refused.said
    assert town.answerers() == {old}
    town.plan()
    done = town.deploy(new, "--break-glass", "the building is on fire")
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    assert [step["weight"] for step in done.report["steps"]] == [100]
    assert town.answerers() == {new}
    assert "The glass was broken: the building is on fire." in town.headgate("explain").said
    recorded = [json.loads(line) for line in town.headgate("ledger", "export").out.splitlines()]
    assert "the building is on fire" in json.dumps(recorded)
