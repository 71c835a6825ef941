"""Bodies that arrive before it is known who sends them: bounded in time and number, so that nobody keeps others out.

Whoever is slow makes room for whoever comes: of an address that has too many under way the oldest goes, and where
there are too many in all, the oldest of the address that has most.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from headgate.web.http.problems import Problem

BODY_S = 10.0
"""How long a body may take: Git hosts and Alertmanager wait no longer for all of it."""

UNDER_WAY_MAX = 32
"""So many at once, of at most 4 MiB each."""

PER_ADDRESS_MAX = 16
RETRY_AFTER_S = 5


class Bodies:
    """Those under way now."""

    def __init__(self, body_s: float = BODY_S) -> None:
        self._body_s = body_s
        self._under_way: dict[asyncio.Future[bytes], str] = {}

    async def receive(self, address: str, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """The body that `read` gives. Raises Problem: 408 too slow, 503 made to give way, what `read` raises."""
        self._make_room(address)
        arriving = asyncio.ensure_future(read())
        self._under_way[arriving] = address
        try:
            done, _ = await asyncio.wait({arriving}, timeout=self._body_s)
        finally:
            gave_way = self._under_way.pop(arriving, None) is None
            arriving.cancel()
            await asyncio.wait({arriving})  # nothing of it is under way any more
        if gave_way:
            raise later("too many deliveries at once", "this one took long, and others came: send it again")
        if not done:
            detail = f"the body was not there within {self._body_s:g} s"
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "too slow", detail)
        return arriving.result()

    def _make_room(self, address: str) -> None:
        by_address = Counter(self._under_way.values())
        if by_address[address] >= PER_ADDRESS_MAX:
            self._cut(address)
        elif len(self._under_way) >= UNDER_WAY_MAX:
            self._cut(by_address.most_common(1)[0][0])

    def _cut(self, address: str) -> None:
        """The oldest that comes from there."""
        oldest = next(one for one, where in self._under_way.items() if where == address)
        del self._under_way[oldest]
        oldest.cancel()


def later(title: str, detail: str) -> Problem:
    """503, with when to come again."""
    problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, title, detail)
    problem.headers["retry-after"] = str(RETRY_AFTER_S)
    return problem
