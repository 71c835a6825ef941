"""Notices when a version that has traffic is no longer there, also where no request would tell."""

import asyncio

from headgate.controller.actor import Actor
from headgate.controller.world import World
from headgate.core.events import STAMPED_LATER, VersionLost
from headgate.core.machine import Illegal
from headgate.core.model import Version
from headgate.ports.controller import Stopped

ROUND_S = 2.0
ROUNDS_LOST = 3
"""A version without a ready instance for this many rounds in a row is lost: restarts had their chance."""


class Patrol:
    """Walks beside every release that exposes users to a new version."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def walk(self, actor: Actor) -> None:
        """Look at the versions with traffic, round after round, until cancelled."""
        missed: dict[Version, int] = {}
        while True:
            await asyncio.sleep(ROUND_S)
            seen = {version: await self._gone(version) for version in _exposed(actor)}
            missed = {version: missed.get(version, 0) + 1 for version, gone in seen.items() if gone}
            for version, rounds in missed.items():
                if rounds == ROUNDS_LOST or (rounds > ROUNDS_LOST and actor.state.hold is None):
                    await _report(actor, version)

    async def _gone(self, version: Version) -> bool:
        try:
            async with asyncio.timeout(self._world.patience.signal_s):
                instances = await self._world.target.inspect(version)
        except Exception:  # noqa: BLE001 - whatever goes wrong in a plugin: unknown is not lost
            return False
        return not any(instance.ready for instance in instances)


def _exposed(actor: Actor) -> tuple[Version, ...]:
    """The versions with traffic in the leg that is moving; none before the first exposure."""
    if actor.state.stage != "forward" or actor.state.watch is None:
        return ()
    routing = actor.state.here().routing
    return routing.versions() if routing is not None else ()


async def _report(actor: Actor, version: Version) -> None:
    reason = f"{version} has had no ready instance for {ROUND_S * ROUNDS_LOST:g} s"
    try:
        await actor.tell(VersionLost(at=STAMPED_LATER, version=version, reason=reason))
    except (Illegal, Stopped):
        return  # the release has moved on meanwhile
