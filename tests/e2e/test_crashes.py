"""What may die at any moment: the controller, the command in a terminal, the proxy, a service, the process daemon."""

from contextlib import suppress

import psutil
import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(240)]

SLOW_START = "import time; time.sleep(1)"
SLOW_SMOKE = {"slow": {"command": "sleep 1"}}
HELD_STEPS = [{"weight": "50%", "pause": "is it good?"}]
BAKING = [{"weight": "50%", "bake": "4s", "deadline": "60s"}]


def kill_the_controller_in(town: Town, *phases: str) -> None:
    """SIGKILL to the daemon's controller when the newest release has come to one of these phases."""
    town.comes_to(*phases)
    town.controller().kill()


def has_ended(town: Town, outcome: str) -> None:
    town.until(lambda: town.releases()[0].outcome, "the release to end")
    assert town.releases()[0].outcome == outcome, town.releases()[0].reason


def test_the_controller_dies_in_every_phase_of_a_good_release(town: Town) -> None:
    new = town.build("v2", main=SLOW_START)
    steps = [{"weight": "30%", "smoke": "slow", "bake": "1s", "deadline": "60s"}]
    town.plan({"smoke": SLOW_SMOKE, "rollout": {"steps": steps, "warm": "2s"}})
    town.up()
    with town.customers() as customers:
        assert town.deploy(new, "--detach").code == 0
        kill_the_controller_in(town, "checking", "preparing")
        kill_the_controller_in(town, "preparing", "shifting traffic")
        kill_the_controller_in(town, "smoke-testing")
        kill_the_controller_in(town, "baking")
        kill_the_controller_in(town, "shifting traffic", "promoting", "promoted")
        kill_the_controller_in(town, "promoting", "promoted")
        has_ended(town, "promoted")
        assert town.answerers() == {new}
        town.until(lambda: town.releases()[0].closed, "the old version to be retired")
        assert town.answerers() == {new}
    customers.seen.nothing_bad()
    town.verify()


def test_the_controller_dies_while_it_rolls_back(town: Town) -> None:
    good = town.stable()
    bad = town.build("v5-no-database")
    town.up()
    with town.customers() as customers:
        assert town.deploy(bad, "--detach").code == 0
        kill_the_controller_in(
            town, "baking", "rolling back", "rolled back"
        )  # it bakes for a second or two only
        kill_the_controller_in(town, "rolling back", "rolled back")
        has_ended(town, "rolled_back")
        assert town.answerers() == {good}
    customers.seen.nothing_bad(but_from={bad})
    assert not town.shops(bad)
    town.verify()


def leave_behind(town: Town) -> str:
    """A release whose command, and controller, is killed while it bakes; returns the new version."""
    assert town.headgate("down").code == 0
    old = town.stable()
    new = town.build()
    command = town.start("deploy", "--artifact", new)
    town.comes_to("baking")
    command.kill()
    status = town.status()
    assert not status["controller"]
    assert status["units"][0]["moving"]["phase"] == "baking"
    assert "No controller runs: nothing moves, nobody watches." in town.headgate("status").said
    assert town.answerers(60) == {old, new}
    return new


@pytest.mark.parametrize("again", ["up", "resume"])
def test_a_release_whose_command_was_killed_is_carried_on(town: Town, again: str) -> None:
    town.plan(steps=BAKING)
    with town.customers() as customers:
        new = leave_behind(town)
        done = town.headgate(again)
        assert done.code == 0, done.said
        has_ended(town, "promoted")
        assert town.answerers() == {new}
    customers.seen.nothing_bad()
    town.verify()


def test_the_next_deploy_carries_on_what_it_waits_for(town: Town) -> None:
    town.plan(production={"concurrency": "queue"}, steps=BAKING)
    with town.customers() as customers:
        left = leave_behind(town)
        new = town.build("v2")
        done = town.deploy(new)
        assert town.answerers() == {new}
    assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
    before = town.releases()[1]
    assert (before.outcome, before.moves[0].label) == ("promoted", left)
    customers.seen.nothing_bad()


def test_the_proxy_is_started_again_with_the_same_routing(town: Town) -> None:
    old = town.stable()
    new = town.build()
    town.plan(steps=HELD_STEPS)
    with town.customers():
        assert town.deploy(new).code == 5
    town.one("/envoy ").kill()
    town.until(lambda: answers(town), "the proxy to answer again")
    assert town.answerers(60) == {old, new}
    assert town.headgate("abort", "--json").code == 0
    assert town.answerers() == {old}


def answers(town: Town) -> bool:
    with suppress(OSError):
        return town.get().status == 200
    return False


def test_a_service_process_is_started_again(town: Town) -> None:
    town.plan({"instances": 2})
    new = town.build()
    with town.customers():
        town.promoted(new)
    killed, other = town.shops(new)
    killed.kill()
    town.until(lambda: len(town.shops(new)) == 2, "the process to be started again")
    assert other.is_running()
    town.until(lambda: town.answerers(20) == {new}, "both to answer")


def test_the_process_daemon_is_started_again_around_what_runs(town: Town) -> None:
    good = town.stable()
    daemon = town.one("supervisord.daemon")
    with town.customers() as customers:
        daemon.kill()
        daemon.wait(20)
        assert town.answerers() == {good}
    customers.seen.nothing_bad()
    town.up()
    town.until(lambda: answers(town), "the proxy to answer again")
    town.until(lambda: town.answerers(20) == {good}, "all to answer")
    assert len(town.running("/envoy ")) == 1
    assert len(town.running("supervisord.daemon")) == 1
    new = town.build()
    with town.customers():
        town.promoted(new)
    assert town.answerers() == {new}
    assert psutil.pid_exists(town.controller().pid)
