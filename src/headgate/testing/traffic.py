"""What every data plane must do. Subclass `TrafficContract` in a test file, and say how yours is made."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest
from msgspec.structs import replace

from headgate.core.machine.events import EffectId
from headgate.core.model import (
    Listener,
    Match,
    PathLimits,
    ProxyRules,
    Routing,
    Sticky,
    TimeLimits,
    Unit,
    Version,
)
from headgate.ports import Permanent, Traffic

WEB = Unit("shop", "production", "web")
API = Unit("shop", "production", "api")
RULES = ProxyRules(
    trusted=("10.0.0.0/8", "2001:db8::/32"),
    protocol="http1",
    limits=TimeLimits(answer_s=1.5, idle_s=None, total_s=60.0),
    paths=(
        PathLimits("/reports", TimeLimits(answer_s=None)),
        PathLimits("/events/", TimeLimits(60, 3600, 60)),
    ),
    head_max_bytes=10_000,
    body_max_bytes=1_000_000,
    upgrades=(),
    client_idle_s=None,
    instance_idle_s=2.5,
    default_host="shop.test",
)
"""Rules for requests that are none of the defaults."""


class DataPlane(Protocol):
    """A data plane under test, with versions that run behind it."""

    @property
    def traffic(self) -> Traffic:
        """The port."""
        ...

    def reopened(self) -> Traffic:
        """The port as another process makes it, over the same data plane."""
        ...

    def listener(self) -> Listener:
        """A place of its own where a unit can be reached."""
        ...

    async def version(self, letter: str, unit: Unit) -> Version:
        """A version of `unit` whose digests begin with `letter`; it runs when this returns."""
        ...

    async def reach(self, routing: Routing, headers: Mapping[str, str]) -> Version | None:
        """The version that answers a request with `headers` to the unit of `routing`; None when the answer is 503."""
        ...


def effect(sequence: int, *, release: str = "r1", n: int = 0) -> EffectId:
    """An effect's identity."""
    return EffectId(release, sequence, n)


class TrafficContract(ABC):
    """The promises of ports.Traffic."""

    @abstractmethod
    def plane(self) -> AbstractAsyncContextManager[DataPlane]:
        """A data plane that serves nothing yet."""

    def test_it_serves_nothing_that_it_was_not_told(self) -> None:
        """An unknown unit is observed as None, and is idle."""

        async def scenario(plane: DataPlane) -> None:
            assert await plane.traffic.observed(WEB) is None
            assert await plane.traffic.idle(WEB)

        self._run(scenario)

    def test_what_is_applied_is_observed_in_full(self) -> None:
        """Every field of a routing comes back, whichever process asks."""

        async def scenario(plane: DataPlane) -> None:
            old, new = await plane.version("a", WEB), await plane.version("b", WEB)
            place = plane.listener()
            matches = (Match("header", "x-who", "us"), Match("cookie", "who", "a.b*c"))
            whole = Routing(WEB, place, old, new, 25, matches, 10, Sticky("cookie", "arm", 60))
            fresh = await plane.version("c", WEB)
            routings = (
                Routing(WEB, place, None),
                Routing(WEB, place, None, old, 40),
                Routing(WEB, place, old),
                whole,
                Routing(WEB, place, old, new, 100, sticky=Sticky("header", "x-user")),
                Routing(WEB, place, new, old),
                Routing(WEB, place, old, new, 25, fresh=fresh),
                Routing(WEB, replace(place, proxy=RULES), old, new, 25, matches),
                Routing(WEB, place, old, new, 25, matches),
            )
            for sequence, routing in enumerate(routings, start=1):
                await plane.traffic.apply(effect(sequence), routing)
                assert await plane.traffic.observed(WEB) == routing
                assert await plane.reopened().observed(WEB) == routing

        self._run(scenario)

    def test_requests_reach_the_version_they_should(self) -> None:
        """Nothing released, stable alone, a match, the preview header, everything."""

        async def scenario(plane: DataPlane) -> None:
            old, new = await plane.version("a", WEB), await plane.version("b", WEB)
            place = plane.listener()
            matches = (Match("header", "x-who", "us"), Match("cookie", "who", "us"))
            preview = {place.preview_header: "canary"}
            expectations: list[tuple[Routing, Mapping[str, str], Version | None]] = [
                (Routing(WEB, place, None), {}, None),
                (Routing(WEB, place, old), {}, old),
                (Routing(WEB, place, old), preview, old),
                (Routing(WEB, place, old, new), {}, old),
                (Routing(WEB, place, old, new), preview, new),
                (Routing(WEB, place, old, new, matches=matches), {"x-who": "us"}, new),
                (Routing(WEB, place, old, new, matches=matches), {"x-who": "us-all"}, old),
                (Routing(WEB, place, old, new, matches=matches), {"cookie": "a=b; who=us"}, new),
                (Routing(WEB, place, old, new, matches=matches), {"cookie": "who=them"}, old),
                (Routing(WEB, place, old, new, 100), {}, new),
                (Routing(WEB, place, new), preview, new),
            ]
            for sequence, (routing, headers, expected) in enumerate(expectations, start=1):
                await plane.traffic.apply(effect(sequence), routing)
                assert await plane.reach(routing, headers) == expected, (routing, headers)

        self._run(scenario)

    def test_a_fresh_baseline_takes_its_share_from_stable(self) -> None:
        """Beside a canary with half of the requests it has the other half."""

        async def scenario(plane: DataPlane) -> None:
            old, new, fresh = [await plane.version(letter, WEB) for letter in "abc"]
            routing = Routing(WEB, plane.listener(), old, new, 50, fresh=fresh)
            await plane.traffic.apply(effect(1), routing)
            assert {await plane.reach(routing, {}) for _ in range(50)} <= {new, fresh}
            await plane.traffic.apply(effect(2), Routing(WEB, routing.listener, old))
            assert await plane.reach(routing, {}) == old

        self._run(scenario)

    def test_it_remembers_the_newest_effect_of_each_release(self) -> None:
        """Of every unit, whichever process asks: so that a ledger that knows less is found."""

        async def scenario(plane: DataPlane) -> None:
            assert await plane.traffic.remembered() == ()
            old, new = await plane.version("a", WEB), await plane.version("b", WEB)
            place = plane.listener()
            await plane.traffic.apply(effect(1), Routing(WEB, place, old))
            await plane.traffic.apply(effect(4), Routing(WEB, place, old, new, 10))
            await plane.traffic.apply(effect(2, release="r2"), Routing(WEB, place, new))
            other = await plane.version("a", API)
            await plane.traffic.apply(effect(3, release="r3"), Routing(API, plane.listener(), other))
            expected = {effect(4), effect(2, release="r2"), effect(3, release="r3")}
            assert set(await plane.traffic.remembered()) == expected
            assert set(await plane.reopened().remembered()) == expected

        self._run(scenario)

    def test_an_effect_acts_once(self) -> None:
        """The same effect again is confirmed, and does not undo what came after it from another release."""

        async def scenario(plane: DataPlane) -> None:
            old, new = await plane.version("a", WEB), await plane.version("b", WEB)
            place = plane.listener()
            first, second = Routing(WEB, place, old), Routing(WEB, place, new)
            await plane.traffic.apply(effect(3), first)
            await plane.traffic.apply(effect(3), first)
            assert await plane.traffic.observed(WEB) == first
            await plane.traffic.apply(effect(1, release="r2"), second)
            await plane.reopened().apply(effect(3), first)
            assert await plane.traffic.observed(WEB) == second

        self._run(scenario)

    def test_a_stale_effect_changes_nothing(self) -> None:
        """Earlier in the same release, also after others have come between, and whoever applied the later one."""

        async def scenario(plane: DataPlane) -> None:
            old, new = await plane.version("a", WEB), await plane.version("b", WEB)
            place = plane.listener()
            late, early = Routing(WEB, place, new), Routing(WEB, place, old)
            await plane.traffic.apply(effect(9), late)
            for traffic in (plane.traffic, plane.reopened()):
                with pytest.raises(Permanent):
                    await traffic.apply(effect(8), early)
                assert await traffic.observed(WEB) == late
            await plane.traffic.apply(effect(1, release="r2"), late)
            with pytest.raises(Permanent):
                await plane.reopened().apply(effect(8), early)
            assert await plane.traffic.observed(WEB) == late
            assert await plane.reach(late, {}) == new

        self._run(scenario)

    def test_units_do_not_know_each_other(self) -> None:
        """What is applied to one, and its effects, are nothing to the other."""

        async def scenario(plane: DataPlane) -> None:
            web, api = await plane.version("a", WEB), await plane.version("b", API)
            first, second = Routing(WEB, plane.listener(), web), Routing(API, plane.listener(), api)
            await plane.traffic.apply(effect(9), first)
            await plane.traffic.apply(effect(1), second)
            assert await plane.traffic.observed(WEB) == first
            assert await plane.traffic.observed(API) == second
            assert (await plane.reach(first, {}), await plane.reach(second, {})) == (web, api)

        self._run(scenario)

    def test_a_unit_that_is_withdrawn_is_served_no_more_and_may_come_back(self) -> None:
        """Its ports are free, others keep theirs; withdrawing it again changes nothing."""

        async def scenario(plane: DataPlane) -> None:
            web, api = await plane.version("a", WEB), await plane.version("b", API)
            place, other = plane.listener(), plane.listener()
            await plane.traffic.apply(effect(9), Routing(WEB, place, web))
            await plane.traffic.apply(effect(9), Routing(API, other, api))
            await plane.traffic.withdraw(WEB)
            await plane.reopened().withdraw(WEB)
            assert await plane.traffic.observed(WEB) is None
            assert await plane.reach(Routing(API, other, api), {}) == api
            taken = Routing(API, place, api)
            await plane.traffic.apply(effect(1, release="r2"), taken)
            assert await plane.reach(taken, {}) == api
            back = Routing(WEB, other, web)
            await plane.traffic.apply(effect(1, release="r3"), back)
            assert await plane.reach(back, {}) == web

        self._run(scenario)

    def test_what_was_never_served_can_be_withdrawn(self) -> None:
        """Nothing is there, and nothing is there afterwards."""

        async def scenario(plane: DataPlane) -> None:
            await plane.traffic.withdraw(WEB)
            assert await plane.traffic.observed(WEB) is None

        self._run(scenario)

    def test_it_becomes_idle(self) -> None:
        """Without requests under way, every version that gets none is idle, soon."""

        async def scenario(plane: DataPlane) -> None:
            old, new = await plane.version("a", WEB), await plane.version("b", WEB)
            place = plane.listener()
            await plane.traffic.apply(effect(1), Routing(WEB, place, old))
            await plane.traffic.apply(effect(2), Routing(WEB, place, new))
            async with asyncio.timeout(5):
                while not await plane.traffic.idle(WEB):  # noqa: ASYNC110 - the port has no event to wait for
                    await asyncio.sleep(0.01)

        self._run(scenario)

    def _run(self, scenario: "Scenario") -> None:
        async def run() -> None:
            async with self.plane() as plane:
                await scenario(plane)

        asyncio.run(run())


class Scenario(Protocol):
    """What one test does with a data plane."""

    async def __call__(self, plane: DataPlane) -> None:
        """Do it."""
        ...
