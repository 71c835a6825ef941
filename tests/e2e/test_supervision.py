"""What keeps things alive when parts of it die: supervisord, the keeper, the controller, the proxy; in any company."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from headgate.controller.guard import ControllerGuard, Limits
from headgate.ipc.alive import answers
from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.traffic.envoy.retreat import retreat
from headgate.ports.guard import Trouble
from headgate.ports.retreat import read_retreats
from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-3"), pytest.mark.timeout(240)]

HELD_STEPS = [{"weight": "50%", "pause": "is it good?"}]
DAEMON, KEEPER, ENVOY = "supervisord.daemon", "local.keeper", "/envoy "


def services(town: Town) -> set[int]:
    return {found.pid for found in town.running("main.py")} | {found.pid for found in town.running(ENVOY)}


def kill_daemon(town: Town) -> None:
    daemon = town.one(DAEMON)
    daemon.kill()
    daemon.wait(20)


def looked_after(town: Town) -> bool:
    """A daemon and a keeper of it run, and the daemon knows everything as running."""
    try:
        statuses = asyncio.run(Supervisord(town.home).list())
    except Exception:  # noqa: BLE001 - not yet
        return False
    return len(town.running(KEEPER)) == 1 and all(status.state == "running" for status in statuses)


def test_supervisord_dies_twice_under_load_and_nobody_notices(town: Town) -> None:
    good = town.stable()
    town.up()
    before, controller = services(town), town.controller().pid
    log = next((town.home / "versions").glob("*/*/*/*/instances/*/output.log"))
    with town.customers() as customers:
        for _ in range(2):
            kill_daemon(town)
            began = time.monotonic()
            town.until(lambda: town.running(DAEMON), "another daemon")
            assert time.monotonic() - began < 5
            town.until(lambda: looked_after(town), "all to be looked after")
            assert services(town) == before
        assert town.controller().pid == controller
        assert Path(f"/proc/{town.shops(good)[0].pid}/fd/1").resolve() == log.resolve()  # no pipe to who dies
        new = town.build()
        town.promoted(new)
        assert town.headgate("rollback").code == 0
        assert town.answerers() == {good}
    customers.seen.nothing_bad()
    os.kill(town.shops(good)[0].pid, signal.SIGKILL)
    town.until(lambda: {found.pid for found in town.shops(good)} - before, "it to be started again")
    town.until(lambda: town.get().status == 200, "it to answer")
    town.verify()


def test_all_who_look_after_it_die_and_up_takes_over_what_runs(town: Town) -> None:
    good = town.stable()
    town.up()
    before = services(town)
    with town.customers() as customers:
        kill_all_but_services(town)
        said = town.headgate("up")
        assert said.code == 0, said.said
        town.until(lambda: looked_after(town), "all to be looked after")
        assert services(town) == before
        assert town.answerers() == {good}
    customers.seen.nothing_bad()


def kill_all_but_services(town: Town) -> None:
    """Keeper and controller stand still first, so that neither brings the daemon back."""
    doomed = [town.one(KEEPER), town.controller(), town.one(DAEMON)]
    for one in doomed[:2]:
        one.suspend()
    for one in reversed(doomed):
        with contextlib.suppress(
            psutil.NoSuchProcess
        ):  # the kernel ends what stands still when its parent dies
            one.kill()
            one.wait(20)
    assert not town.running(DAEMON)


def test_down_all_stops_what_nobody_looks_after_any_more(town: Town) -> None:
    town.up()
    kill_all_but_services(town)
    assert services(town)
    done = town.headgate("down", "--all")
    assert (done.code, "Everything is stopped." in done.said) == (0, True), done.said
    assert not town.running()
    town.up()
    town.until(lambda: town.get().status == 200, "users to be served")


def test_down_all_while_the_keeper_revives_the_daemon(town: Town) -> None:
    town.up()
    kill_daemon(town)
    done = town.headgate("down", "--all")
    assert done.code == 0, done.said
    assert not town.running()
    town.up()


def test_down_says_what_it_cannot_stop(town: Town) -> None:
    town.plan(steps=[{"weight": "50%", "bake": "20s", "deadline": "60s"}])
    town.headgate("down")
    command = town.start("deploy", "--artifact", town.build())
    try:
        town.comes_to("baking")
        for words in (("down",), ("down", "--all")):
            done = town.headgate(*words)
            assert (done.code, "stopped." in done.said) == (1, False), done.said
            assert f"process {command.process.pid}" in done.said
    finally:
        command.kill()
    town.up()
    town.until(lambda: town.get().status == 200, "users to be served")


@contextlib.contextmanager
def stranger(port: int) -> Iterator[None]:
    """Somebody else who listens there."""
    with contextlib.closing(socket.create_server(("127.0.0.1", port))):
        yield


def test_a_public_port_that_a_stranger_took_is_missed_and_taken_back(town: Town) -> None:
    good = town.stable()
    town.headgate("down", "--all")
    with stranger(town.project.port):
        done = town.headgate("up")
        assert done.code == 1, done.said
        assert "users are not served" in done.said
        assert f"port {town.project.port}: it is held by process {os.getpid()}" in done.said
        assert str(town.project.port) in (town.home / "run" / "trouble.json").read_text()
    town.until(lambda: not (town.home / "run" / "trouble.json").exists(), "all to be well again")
    assert town.answerers() == {good}
    assert town.headgate("up").code == 0


async def look_until(guard: ControllerGuard, about: str) -> Trouble:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for trouble in await guard.look():
            if trouble.about == about and "all traffic is on stable" in trouble.what:
                return trouble
        await asyncio.sleep(0.2)
    raise AssertionError(about)


@pytest.mark.parametrize("fault", ["hangs", "dies again and again"])
def test_without_a_controller_traffic_falls_to_the_safe_side(town: Town, fault: str) -> None:
    good, new = town.stable(), town.build()
    town.plan(steps=HELD_STEPS)
    town.up()
    limits = Limits(silent_s=1.0, answer_s=0.3, deaths=3, deaths_within_s=60)
    guard = ControllerGuard(
        town.home, Supervisord(town.home), lambda reason: retreat(town.home, reason), answers, limits
    )
    with town.customers() as customers:
        assert town.deploy(new).code == 5
        assert town.answerers(60) == {good, new}
        asyncio.run(lose(town, guard, fault))
        assert town.answerers(60) == {good}
        town.until(lambda: ended(town), "a controller to end the release")
        assert town.answerers() == {good}
    customers.seen.nothing_bad()
    town.until(lambda: not read_retreats(town.home), "the controller to have dealt with it")


def ended(town: Town) -> bool:
    """Whether the controller has found out by itself, or else has to be told."""
    town.headgate("abort")
    return town.releases()[0].outcome == "aborted"


async def lose(town: Town, guard: ControllerGuard, fault: str) -> None:
    """Have the controller hang, or die whenever it lives, until traffic is on the safe side."""
    if fault == "hangs":
        controller = town.controller()
        controller.suspend()
        try:
            await look_until(guard, "safe side")
            (noted,) = read_retreats(town.home)
            assert (noted.release, noted.after.weight) == (town.releases()[0].release, 0)
        finally:
            controller.resume()
        return
    looking = asyncio.create_task(look_until(guard, "safe side"))
    while not looking.done():
        for found in town.running("headgate --home", " controller"):
            found.kill()
        await asyncio.sleep(0.1)
    await looking
