"""The supervisor as others see it, and its numbers."""

import os
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

from headgate import __version__
from headgate.controller.supervisor import Supervisor
from headgate.core.events import Request
from headgate.core.model import Unit
from headgate.core.submission import Submission
from headgate.ports.controller import APPEND_LE_S, Health, Retired, Vitals
from headgate.ports.observer import Happened


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

    async def tell(self, release: str, event: Request) -> str:
        """See ports.controller.Controller."""
        await self._supervisor.tell(release, event)
        return self._supervisor.phase(release)

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
