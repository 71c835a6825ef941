"""Notices when a version that has traffic is no longer there, also where no request would tell."""

import asyncio

from headgate.controller.actor import Actor, Stopped
from headgate.controller.perform import STAMPED_LATER
from headgate.core.events import VersionLost
from headgate.core.machine import Illegal
from headgate.core.model import Version
from headgate.ports import PortError, Target

ROUND_S = 2.0
ROUNDS_LOST = 3
"""A version without a ready instance for this many rounds in a row is lost: restarts had their chance."""


class Patrol:
    """Walks beside every release that exposes users to a new version."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def walk(self, actor: Actor) -> None:
        """Look at the versions with traffic, round after round, until cancelled."""
        missed: dict[Version, int] = {}
        while True:
            await asyncio.sleep(ROUND_S)
            if actor.state.stage != "forward" or actor.state.watch is None:
                missed.clear()
                continue
            for version in _exposed(actor):
                missed[version] = missed.get(version, 0) + 1 if await self._gone(version) else 0
                if missed[version] == ROUNDS_LOST:
                    await _report(actor, version)

    async def _gone(self, version: Version) -> bool:
        try:
            instances = await self._target.inspect(version)
        except PortError:
            return False  # unknown is not lost
        return not any(instance.ready for instance in instances)


def _exposed(actor: Actor) -> tuple[Version, ...]:
    routing = actor.state.here().routing
    return routing.versions() if routing is not None else ()


async def _report(actor: Actor, version: Version) -> None:
    reason = f"{version} has had no ready instance for {ROUND_S * ROUNDS_LOST:g} s"
    try:
        await actor.tell(VersionLost(at=STAMPED_LATER, version=version, reason=reason))
    except (Illegal, Stopped):
        return  # the release has moved on meanwhile
