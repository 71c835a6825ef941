"""The supervisor as others see it, and its numbers."""

import asyncio
import contextlib
import os
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

from headgate import __version__
from headgate.controller.actor import Actor
from headgate.controller.supervisor import Supervisor
from headgate.core.machine.events import Request
from headgate.core.machine.plan import Leg
from headgate.core.machine.undoing import traffic_is_back
from headgate.core.model import Unit
from headgate.core.release.submission import Submission
from headgate.ports.controller import APPEND_LE_S, Health, Heard, Retired, Vitals
from headgate.ports.observer import Happened

BACK_S = 0.6
"""How long whoever takes users off a canary is kept waiting for the proxy's word, while the ledger has not got it."""


def _users_are_back(actor: Actor) -> bool:
    return all(traffic_is_back(*one) for one in zip(actor.plan.legs, actor.state.legs, strict=True))


async def _done_ahead(actor: Actor) -> str:
    """What has been done ahead of the ledger, and why that has not got it yet."""
    if actor.state.stage != "reverting":
        return actor.trouble
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BACK_S):
            while not _users_are_back(actor):  # noqa: ASYNC110 - the state has no event to wait for
                await asyncio.sleep(0.02)
    moved = zip(actor.plan.legs, actor.state.legs, strict=True)
    told = [_told(leg, back=traffic_is_back(leg, at)) for leg, at in moved if at.reached >= 0]
    return "; ".join((*told, actor.trouble))


def _told(leg: Leg, *, back: bool) -> str:
    if back:
        return f"all traffic of {leg.unit} is back on {leg.change.baseline}"
    return f"{leg.unit} is being taken back"


class Steerable:
    """A controller (ports.controller) in this process. `url` says where its door is; `lag` how its loop fares."""

    def __init__(
        self,
        supervisor: Supervisor,
        url: Callable[[], str] = str,
        lag: Callable[[], tuple[float, int]] = lambda: (0.0, 0),
    ) -> None:
        self._supervisor = supervisor
        self._url = url
        self._lag = lag
        self._counts = [0] * (len(APPEND_LE_S) + 1)
        self._sum_s = 0.0

    async def submit(self, wish: Submission) -> str:
        """See ports.controller.Controller."""
        return await self._supervisor.submit(wish)

    async def tell(self, release: str, event: Request) -> Heard:
        """See ports.controller.Controller."""
        await self._supervisor.tell(release, event)
        actor = self._supervisor.actor(release)
        note = await _done_ahead(actor) if actor is not None and actor.trouble else ""
        return Heard(self._supervisor.phase(release), note)

    async def retire(self, unit: Unit, by: str, reason: str) -> Retired:
        """See ports.controller.Controller."""
        return await self._supervisor.retire(unit, by, reason)

    async def health(self) -> Health:
        """See ports.controller.Controller."""
        found = self._supervisor
        return Health(found.open_releases(), found.trouble(), os.getpid(), __version__, self._url())

    async def vitals(self) -> Vitals:
        """See ports.controller.Controller."""
        lag_max_s, stalls = self._lag()
        counts = tuple(accumulate(self._counts))
        return Vitals(len(self._supervisor.trouble()), counts, self._sum_s, lag_max_s, stalls)

    def observe(self, happened: Happened) -> None:
        """Count how long the ledger took: an Observer."""
        if happened.append_s is None:
            return
        self._counts[bisect_left(APPEND_LE_S, happened.append_s)] += 1
        self._sum_s += happened.append_s
