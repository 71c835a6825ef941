"""To the safe side without a controller: what Envoy's own files say of themselves is enough."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from headgate.core.machine.events import EffectId
from headgate.core.model import Match, Routing, Unit
from headgate.plugins.traffic.envoy import retreat as module
from headgate.plugins.traffic.envoy.retreat import retreat
from headgate.ports import Permanent, Temporary
from headgate.ports.retreat import clear_retreats, read_retreats
from tests.plugins.traffic.envoys import UNIT, World, effect, get, listener, version, world

pytestmark = pytest.mark.e2e

OLD, NEW, FRESH = version("a"), version("b"), replace(version("a"), fresh=True)
OTHER = Unit("shop", "production", "api")


def run(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with world() as made:
            await made.serve(OLD, NEW, FRESH)
            await scenario(made)

    asyncio.run(inside())


async def served(port: int, times: int = 20) -> set[bytes]:
    return {(await get(port, headers={"x-cohort": "beta"}))[2] for _ in range(times)}


def test_an_exposed_canary_loses_its_traffic_and_keeps_its_preview() -> None:
    async def scenario(made: World) -> None:
        place = listener(preview=True)
        exposed = Routing(
            UNIT, place, OLD, NEW, 30, (Match("header", "x-cohort", "beta"),), mirror=10, fresh=FRESH
        )
        await made.traffic.apply(EffectId("r1", 7, 2), exposed)
        assert await served(place.port) == {b"b"}
        (done,) = await retreat(made.home, "nobody steers")
        after = replace(exposed, weight=0, matches=(), mirror=0, fresh=None)
        assert (done.unit, done.release, done.reason) == (UNIT, "r1", "nobody steers")
        assert (done.before, done.after, done.effect) == (exposed, after, EffectId("r1", 7, 3))
        assert await served(place.port) == {b"a"}
        assert place.preview_port is not None
        assert (await get(place.preview_port))[2] == b"b"
        assert await made.traffic.observed(UNIT) == after
        assert read_retreats(made.home) == (done,)
        assert await retreat(made.home, "again") == ()
        with pytest.raises(Permanent, match="stale"):  # what was on its way before
            await made.traffic.apply(EffectId("r1", 7, 2), exposed)
        await made.traffic.apply(EffectId("r1", 8, 0), exposed)  # a controller goes on from there
        assert await served(place.port) == {b"b"}
        clear_retreats(made.home, ["r2"])
        assert read_retreats(made.home) == (done,)
        clear_retreats(made.home, ["r1"])
        assert read_retreats(made.home) == ()

    run(scenario)


def test_what_is_not_exposed_stays_as_it_is() -> None:
    async def scenario(made: World) -> None:
        await made.traffic.apply(effect(0), Routing(UNIT, listener(), OLD, NEW))
        await made.traffic.apply(effect(1), Routing(OTHER, listener(), None, version("c", OTHER)))
        before = [file.read_bytes() for file in made.traffic._folder.route_files()]
        assert await retreat(made.home, "nobody steers") == ()
        assert [file.read_bytes() for file in made.traffic._folder.route_files()] == before

    run(scenario)


def test_nobody_is_taken_back_across_a_barrier() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD, NEW, 100, one_way=True))
        assert await retreat(made.home, "nobody steers") == ()
        assert await served(place.port) == {b"b"}

    run(scenario)


def test_traffic_is_not_taken_to_a_stable_that_is_not_there() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD, NEW, 100))
        await made.withdraw(OLD)
        assert await retreat(made.home, "nobody steers") == ()
        assert await served(place.port) == {b"b"}

    run(scenario)


def test_one_that_hangs_while_it_writes_keeps_nobody_from_safety(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_S", 0.05)

    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD, NEW, 100))
        async with made.traffic._folder.locked():
            assert len(await retreat(made.home, "nobody steers")) == 1
        assert await served(place.port) == {b"a"}

    run(scenario)


def test_where_no_file_can_be_written_the_proxy_is_told_by_its_runtime() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD, NEW, 100))
        with shut(made.traffic._folder.routes(UNIT)):
            for _ in range(2):  # as a guard does, look after look
                assert len(await retreat(made.home, "nobody steers")) == 1
                assert await served(place.port) == {b"a"}
        assert len(read_retreats(made.home)) == 1
        assert len(await retreat(made.home, "nobody steers")) == 1
        assert await made.traffic.observed(UNIT) == Routing(UNIT, place, OLD, NEW, 0)

    run(scenario)


def test_where_neither_can_be_done_it_says_so() -> None:
    async def scenario(made: World) -> None:
        await made.traffic.apply(effect(0), Routing(UNIT, listener(), OLD, NEW, 100))
        made.traffic.admin.path.unlink()
        with (
            shut(made.traffic._folder.routes(UNIT)),
            pytest.raises(Temporary, match="nor can the proxy be told"),
        ):
            await retreat(made.home, "nobody steers")
        assert read_retreats(made.home) == ()

    run(scenario)


@contextlib.contextmanager
def shut(file: Path) -> Iterator[None]:
    """Nothing can be moved over this file: its draft's name is taken by a folder."""
    draft = file.with_name(f".{file.name}.draft")
    draft.mkdir()
    (draft / "x").touch()
    yield
    (draft / "x").unlink()
    draft.rmdir()


def test_a_person_can_run_it() -> None:
    async def scenario(made: World) -> None:
        place = listener()
        await made.traffic.apply(effect(0), Routing(UNIT, place, OLD, NEW, 40))
        command = [sys.executable, "-m", "headgate.plugins.traffic.envoy.retreat", str(made.home), "by hand"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        assert "shop/production/web: all traffic is on" in done.stdout
        assert "r1 had 40%" in done.stdout
        assert await served(place.port) == {b"a"}

    run(scenario)
