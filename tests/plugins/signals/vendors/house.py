"""What the vendors' tests share: the real web over HTTP, quick to give up."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from headgate.plugins.web.client import HttpWeb, Limits
from headgate.ports.web import Web
from headgate.testing.vendor_stage import Points

LIMITS = Limits(attempts=1, pause_first_s=0.001, pause_max_s=0.002, failures=1000)


@asynccontextmanager
async def _open() -> AsyncGenerator[Web]:
    web = HttpWeb(LIMITS)
    try:
        yield web
    finally:
        await web.aclose()


class RealWeb:
    """Asks over real HTTP."""

    def web(self) -> AbstractAsyncContextManager[Web]:
        return _open()


def total(points: Points | None) -> float | None:
    """A series' sum; None where it has nothing."""
    counts = [count for _, count in points or () if count is not None]
    return sum(counts) if counts else None


def whole(points: Points | None) -> int:
    """The same as a whole number, 0 for nothing."""
    return int(total(points) or 0)


def present(found: Sequence[Points | None]) -> list[tuple[int, Points]]:
    """The series there are, by the number of their query."""
    return [(n, points) for n, points in enumerate(found) if points is not None]
