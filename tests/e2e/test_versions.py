"""Each version of the example shop, released by the example's own project file under load."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import towns
from tests.e2e.town import Done, Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(240)]

KEYS = {
    *("release", "environment", "service", "from", "to", "outcome", "reason", "steps"),
    *("bad_requests_served", "detected_after_s", "restored_after_s"),
}
MORE_KEYS = {"phase", "took_s", "warnings", "hints"}
STEP_KEYS = {"weight", "verdict", "requests", "errors"}
BAD = ("v3-checkout-errors", "v4-slow-tail", "v5-no-database", "v6-empty-orders")
RATE = 60.0

PATIENT = {
    "rollout": {
        "steps": [
            {"weight": "10%", "smoke": "pages", "bake": "3s", "deadline": "100s"},
            {"weight": "50%", "bake": "2s", "deadline": "100s"},
        ]
    }
}
"""The example's plan, with time for a machine that is busy with something else."""

LENIENT = {"criteria": {"p99": {"max": None, "no_worse_than": "10x"}}}
"""A busy machine makes a good version's tail look bad, too."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Town]:
    with towns() as new:
        town = new()
        town.project.write(PATIENT)
        build(town, "v1")
        done = town.deploy("v1")
        assert (done.code, done.report["outcome"], done.report["from"]) == (0, "promoted", None), done.said
        yield town


@pytest.fixture
def town(shop: Town) -> Iterator[Town]:
    shop.project.write(PATIENT)
    yield shop
    shop.calm()


def build(town: Town, version: str) -> None:
    town.env["SHOP_VERSION"] = version
    done = town.headgate("build", "--label", version)
    assert done.code == 0, done.said


def require_shape(done: Done, town: Town) -> None:
    report = done.report
    assert KEYS <= set(report) <= KEYS | MORE_KEYS
    assert all(set(step) >= STEP_KEYS for step in report["steps"])
    assert (report["environment"], report["service"]) == ("production", "web")
    digests = {artifact.digest for artifact in town.artifacts()}
    assert {report["from"], report["to"]} <= digests


def test_the_good_version_is_promoted_and_nobody_notices(town: Town) -> None:
    build(town, "v2")
    town.project.write(PATIENT, LENIENT)
    with town.customers(RATE, "shop") as customers:
        done = town.deploy("v2")
        assert town.answerers() == {"v2"}
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    require_shape(done, town)
    assert [step["weight"] for step in done.report["steps"]] == [10, 50, 100]
    assert {step["verdict"] for step in done.report["steps"]} == {"pass"}
    assert done.report["detected_after_s"] is None
    assert customers.seen.by_version.keys() == {"v1", "v2"}
    customers.seen.nothing_bad()


@pytest.mark.parametrize("version", BAD)
def test_a_bad_version_is_rolled_back_and_users_are_on_the_good_one(town: Town, version: str) -> None:
    build(town, version)
    good = town.stable()
    with town.customers(RATE, "shop") as customers:
        done = town.deploy(version)
        assert town.answerers(40) == {good}
    assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
    require_shape(done, town)
    assert done.report["bad_requests_served"] > 0
    assert done.report["detected_after_s"] > 0
    assert done.report["restored_after_s"] >= 0
    assert done.report["reason"]
    customers.seen.nothing_bad(but_from={version})
    assert not town.shops(version)
    explained = town.headgate("explain", str(done.report["release"])).said
    assert "all traffic of shop/production/web is back on web@" in explained
