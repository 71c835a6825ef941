"""The patrol: notices a version with traffic that is gone, wholly or in part, also where no request would tell."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from headgate.controller.actor import Actor
from headgate.controller.asking import instances_of
from headgate.controller.world import World
from headgate.core.machine.effects import PrepareVersion
from headgate.core.machine.events import STAMPED_LATER, VersionLost
from headgate.core.machine.names import Illegal
from headgate.core.model import Version
from headgate.ports import Instance
from headgate.ports.controller import Stopped

ROUND_S = 2.0
ROUNDS_LOST = 3
"""A version without a ready instance for this many rounds in a row is lost: restarts had their chance."""

ROUNDS_LAME = 5
"""So many for a new version of which an instance is not ready: the others answer for it, and would hide it."""

CRASHES_MAX = 2
"""A new version's instance that was started again so often since it has traffic is not well, whatever it answers."""


class Patrol:
    """Walks beside every release that exposes users to a new version."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def walk(self, actor: Actor) -> None:
        """Look at the versions with traffic, round after round, until cancelled."""
        rounds = Rounds()
        while True:
            await asyncio.sleep(ROUND_S)
            leg = actor.plan.legs[actor.state.leg]
            seen = {one: await instances_of(self._world, leg, one) for one in _exposed(actor)}
            for lost in rounds.look(seen, _settled(actor)):
                if lost.news or actor.state.hold is None:
                    await _report(actor, lost)


Seen = dict[Version, tuple[Instance, ...] | None]
"""The instances of each version; None: unknown, which is not lost."""


class Lost(NamedTuple):
    """A version that is lost, and why; `news`: the round before it was not."""

    version: Version
    reason: str
    news: bool


class Rounds:
    """What several rounds in a row have seen."""

    def __init__(self) -> None:
        self._gone: dict[Version, int] = {}
        self._lame: dict[Version, int] = {}
        self._starts: dict[tuple[Version, str], int] = {}
        self._lost: frozenset[Version] = frozenset()

    def look(self, seen: Seen, new: tuple[Version, ...]) -> list[Lost]:
        """One more round: the versions that are lost. Of those in `new` more is asked: every instance must be well."""
        ready = {
            version: [one.ready for one in found] for version, found in seen.items() if found is not None
        }
        self._gone = _counted(self._gone, [version for version, each in ready.items() if not any(each)])
        self._lame = _counted(self._lame, [version for version in new if not all(ready.get(version, [True]))])
        lost = {version: _GONE.format(version) for version, n in self._gone.items() if n >= ROUNDS_LOST}
        lame = {version: _LAME.format(version) for version, n in self._lame.items() if n >= ROUNDS_LAME}
        crashing = {version: said for version in new if (said := self._crashing(version, seen.get(version)))}
        found = {**lame, **crashing, **lost}
        before, self._lost = self._lost, frozenset(found)
        return [Lost(version, reason, version not in before) for version, reason in found.items()]

    def _crashing(self, version: Version, instances: tuple[Instance, ...] | None) -> str:
        for one in instances or ():
            first = self._starts.setdefault((version, one.name), one.restarts)
            if one.restarts - first >= CRASHES_MAX:
                return f"{one.name} of {version} was started again {one.restarts - first} times since it has traffic"
        return ""


_GONE = f"{{}} has had no ready instance for {ROUND_S * ROUNDS_LOST:g} s"
_LAME = f"{{}} has had an instance that was not ready for {ROUND_S * ROUNDS_LAME:g} s"


def _counted(before: dict[Version, int], now: Iterable[Version]) -> dict[Version, int]:
    return {version: before.get(version, 0) + 1 for version in now}


def _settled(actor: Actor) -> tuple[Version, ...]:
    """The new version, unless more of it is being started just now."""
    candidate = actor.plan.legs[actor.state.leg].change.candidate
    orders = [one.effect for one in actor.state.pending if isinstance(one.effect, PrepareVersion)]
    return () if any(order.version == candidate for order in orders) else (candidate,)


def _exposed(actor: Actor) -> tuple[Version, ...]:
    """The versions with traffic in the leg that is moving; none before the first exposure."""
    if actor.state.stage != "forward" or actor.state.watch is None:
        return ()
    routing = actor.state.here().routing
    return routing.versions() if routing is not None else ()


async def _report(actor: Actor, lost: Lost) -> None:
    try:
        await actor.tell(VersionLost(at=STAMPED_LATER, version=lost.version, reason=lost.reason))
    except (Illegal, Stopped):
        return  # the release has moved on meanwhile
