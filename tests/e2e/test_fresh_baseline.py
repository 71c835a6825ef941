"""A fresh baseline: three arms at the proxy, a canary judged beside what is as new as itself, and nothing left."""

import asyncio
from typing import Any

import pytest

from headgate.plugins.traffic.envoy.admin import Admin, admin_socket
from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(240)]

FRESH: dict[str, Any] = {
    "rollout": {
        "fresh_baseline": True,
        "steps": [
            {"weight": "20%", "bake": "1s", "deadline": "60s", "pause": "look at it"},
            {"weight": "50%", "bake": "1s", "deadline": "60s"},
        ],
        "warm": "5m",
    }
}
STRAIGHT: dict[str, Any] = {
    "rollout": {"fresh_baseline": True, "steps": [{"weight": "30%", "bake": "30s", "deadline": "60s"}]}
}


def ask(town: Town, path: str) -> dict[str, Any]:
    """What the proxy itself says."""
    return asyncio.run(Admin(admin_socket(town.home)).json(path))


def weights(town: Town) -> dict[str, int]:
    """The share of each cluster, where the proxy divides the requests."""
    dump = ask(town, "/config_dump?resource=dynamic_route_configs")
    routes = dump["configs"][0]["route_config"]["virtual_hosts"][0]["routes"]
    split = [route["route"].get("weighted_clusters", {}).get("clusters", ()) for route in routes]
    return {one["name"]: one["weight"] for one in next((some for some in split if some), ())}


def clusters(town: Town) -> list[str]:
    """The fresh baselines that the proxy knows."""
    found = ask(town, "/clusters?format=json")["cluster_statuses"]
    return [one["name"] for one in found if one["name"].endswith("-fresh")]


def running(town: Town) -> list[int]:
    """The processes of fresh baselines."""
    return [
        found.pid
        for found in town.running("main.py")
        if found.environ().get("HEADGATE_VERSION", "").endswith("-fresh")
    ]


def test_three_arms_at_the_proxy_and_two_versions_after_the_promotion(town: Town) -> None:
    old, new = town.stable(), town.build()
    town.plan(FRESH)
    foretold = town.headgate("plan", "--artifact", new).said
    assert "1 more instance of the old version run beside it" in foretold
    with town.customers() as customers:
        held = town.deploy(new)
        assert (held.code, held.report["reason"]) == (5, "look at it"), held.said
        shares = weights(town)
        assert sorted(shares.values()) == [20, 20, 60]
        assert [weight for name, weight in shares.items() if name.endswith("-fresh")] == [20]
        assert len(running(town)) == 1
        assert town.answerers(60) == {old, new}
        done = town.headgate("approve", "--json")
        assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
        town.until(lambda: not running(town), "the fresh baseline to be stopped")
        assert town.shops(old), "the old version stays warm"
        assert town.answerers() == {new}
    assert "-fresh" not in town.headgate("status").said
    assert "20% for web@" in town.headgate("explain").said
    customers.seen.nothing_bad()
    town.verify()


def test_a_bad_canary_is_rolled_back_and_nothing_is_left_of_either(town: Town) -> None:
    old, bad = town.stable(), town.build("v5-no-database")
    town.plan(STRAIGHT)
    with town.customers() as customers:
        done = town.deploy(bad)
        assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
        assert town.answerers() == {old}
        assert (running(town), town.shops(bad), weights(town)) == ([], [], {})
        town.plan()
        town.promoted(town.build())
    assert clusters(town) == [], "with the next change of traffic, the proxy forgets what does not run"
    customers.seen.nothing_bad(but_from={bad})


def test_a_controller_that_dies_leaves_no_fresh_baseline_behind(town: Town) -> None:
    old, new = town.stable(), town.build()
    town.plan(STRAIGHT)
    town.up()
    with town.customers() as customers:
        assert town.deploy(new, "--detach").code == 0
        town.until(lambda: len(running(town)) == 1, "the fresh baseline to be started")
        town.controller().kill()
        town.comes_to("baking")
        assert sorted(weights(town).values()) == [30, 30, 40]
        town.controller().kill()
        assert len(running(town)) == 1
        aborted = town.start("abort", town.releases()[0].release)
        town.comes_to("rolling back", "aborted")
        town.controller().kill()
        town.until(lambda: town.releases()[0].closed, "the release to be closed")
        aborted.kill()
        assert town.answerers() == {old}
    assert (running(town), town.shops(new)) == ([], [])
    customers.seen.nothing_bad()
    town.verify()
