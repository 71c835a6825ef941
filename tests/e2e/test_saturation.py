"""A version that uses more and more: warned about by its rise, stopped at its limit, on the processes that run it."""

from __future__ import annotations

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(240)]

ASKED = {
    "memory": None,
    "criteria": {
        "saturation": {
            "memory": {"limit": "150MiB", "no_worse_than": "off", "warm_up": "1s", "block": "1s"},
            "threads": {"no_worse_than": "4x", "warm_up": "1s", "block": "1s"},
        }
    },
}
STEPS = [{"weight": "50%", "bake": "30s", "deadline": "90s"}]

LEAKS = """
import threading, time
kept = []
def leak():
    while True:
        kept.append(b"x" * {bytes})
        time.sleep(0.1)
threading.Thread(target=leak, daemon=True).start()
"""


def test_a_version_like_the_old_one_passes(town: Town) -> None:
    old, new = town.stable(), town.build("v2")
    town.plan(ASKED)
    with town.customers() as customers:
        planned = town.headgate("plan", "--artifact", new).said
        assert "memory of each instance, from 1 s after its start on: at most 157.3 MB" in planned
        done = town.deploy(new)
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    assert customers.seen.by_version.keys() == {old, new}


def test_a_version_that_leaks_is_stopped_at_its_limit(town: Town) -> None:
    old, bad = town.stable(), town.build(main=LEAKS.replace("{bytes}", "1_500_000"))
    town.plan(ASKED, steps=STEPS)
    with town.customers():
        done = town.deploy(bad)
        assert town.answerers() == {old}
    assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
    assert "memory" in done.report["reason"]
    assert "at most 157.3 MB allowed" in done.report["reason"]


def test_a_slow_leak_is_said_and_lets_the_version_through(town: Town) -> None:
    town.stable()
    slow = town.build(main=LEAKS.replace("{bytes}", "50_000"))
    town.plan(ASKED, steps=STEPS)
    with town.customers():
        done = town.deploy(slow)
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    told = town.headgate("explain").said
    assert "arning: memory rises by" in told
    assert "to the limit in about" in told
