"""What every platform does as a whole, beside what its target, its traffic and its signals pass by themselves.

Subclass `PlatformContract` and give it the fixture `ground`; run `TargetContract`, `TrafficContract` and the signals'
contract over its parts, too.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from headgate.core.machine.events import EffectId
from headgate.core.model import Arm, Listener, Routing, Unit, Version
from headgate.ports.errors import PortError
from headgate.ports.platform import Platform
from headgate.ports.processes import ProcessStatus

T = TypeVar("T")

NOBODY_RUNS: tuple[dict[str, ProcessStatus] | None, ...] = (None, {})
"""The process daemon does not answer, or runs nothing."""


class Ground(Protocol):
    """A platform under test, on which nothing runs yet."""

    @property
    def platform(self) -> Platform:
        """The platform."""
        ...

    def reopened(self) -> Platform:
        """The same platform as another process makes it."""
        ...

    def version(self, service: str, label: str) -> Version:
        """A version that becomes ready; another label is another version."""
        ...

    def listener(self, service: str) -> Listener:
        """Where a service can be reached: a place of its own."""
        ...

    async def visit(self, unit: Unit, requests: int) -> None:
        """Have at least so many requests answered at the unit's public port."""
        ...


class PlatformContract:
    """The tests. Each has a ground of its own."""

    def test_making_it_starts_nothing_and_knows_nothing(self, ground: Ground) -> None:
        unit = ground.version("web", "a").unit

        async def story() -> None:
            platform = ground.platform
            assert await platform.traffic.remembered() == ()
            assert await platform.sight.observed(unit) is None
            assert await platform.sight.inspect(ground.version("web", "a")) == ()
            assert len(platform.signals) >= 1

        run(story())

    def test_its_parts_speak_of_the_same_versions(self, ground: Ground) -> None:
        async def story() -> None:
            one = await released(ground, "web", "a")
            platform = ground.platform
            assert [found.ready for found in await platform.sight.inspect(one)] == [True]
            routing = await platform.sight.observed(one.unit)
            assert routing is not None
            assert (routing.stable, routing) == (one, await platform.traffic.observed(one.unit))
            assert await platform.ready() is True
            assert {effect.release for effect in await platform.traffic.remembered()} == {"r1"}

        run(story())

    def test_the_first_signals_measure_the_traffic_itself(self, ground: Ground) -> None:
        async def story() -> None:
            one = await released(ground, "web", "a")
            before = await read(ground.platform, one)
            await ground.visit(one.unit, 20)
            after = await read(ground.platform, one, beyond=before.requests + 19)
            assert after.requests >= before.requests + 20
            assert after.errors == before.errors

        run(story())

    def test_units_do_not_touch_each_other(self, ground: Ground) -> None:
        async def story() -> None:
            web, api = await released(ground, "web", "a"), await released(ground, "api", "a")
            platform = ground.platform
            await platform.traffic.withdraw(web.unit)
            await platform.target.stop(EffectId("r2", 9, 0), web, 0.0)
            assert await platform.sight.inspect(web) == ()
            assert [found.ready for found in await platform.sight.inspect(api)] == [True]
            routing = await platform.sight.observed(api.unit)
            assert routing is not None
            assert routing.stable == api

        run(story())

    def test_what_runs_outlives_whoever_made_it(self, ground: Ground) -> None:
        async def story() -> None:
            one = await released(ground, "web", "a")
            await ground.platform.aclose()
            other = ground.reopened()
            assert [found.ready for found in await other.sight.inspect(one)] == [True]
            routing = await other.traffic.observed(one.unit)
            assert routing is not None
            assert routing.stable == one
            assert {effect.release for effect in await other.traffic.remembered()} == {"r1"}
            await other.aclose()

        run(story())

    def test_each_version_has_a_name_of_its_own_in_the_statistics(self, ground: Ground) -> None:
        versions = [ground.version(service, label) for service in ("web", "api") for label in "ab"]
        assert len({ground.platform.arm(version) for version in versions}) == len(versions)

    def test_its_parts_can_be_told_whether_or_not_anybody_answers(self, ground: Ground) -> None:
        for ready, why in ((True, ""), (False, "it is down"), (None, "no answer")):
            for programs in NOBODY_RUNS:
                for part in ground.platform.parts(programs, ready=ready, why=why):
                    assert part.name
                    assert part.well or part.mend, "what is not well comes with what mends it"


async def released(ground: Ground, service: str, label: str) -> Version:
    """A version that runs and has all the traffic of its unit."""
    version = ground.version(service, label)
    await ground.platform.target.prepare(EffectId("r1", 1, 0), version, 1)
    routing = Routing(version.unit, ground.listener(service), version)
    await ground.platform.traffic.apply(EffectId("r1", 2, 0), routing)
    return version


async def read(platform: Platform, version: Version, beyond: int = -1, within_s: float = 10.0) -> Arm:
    """What the first signals have counted, once that is more than `beyond`: some count a little later."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                arm = await platform.signals[0].read(version)
            except PortError:
                arm = None
            if arm is not None and arm.requests > beyond:
                return arm
            await asyncio.sleep(0.05)


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run one story in a loop of its own."""
    return asyncio.run(story)
