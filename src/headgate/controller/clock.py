"""One clock for decisions: it never steps back and never jumps, whatever the wall clock does while we run."""

import asyncio


class SteadyClock:
    """Seconds since the epoch, read once at `origin` and carried on by the event loop's monotonic clock.

    `origin` is the later of the wall clock and the ledger's last event, so that time never falls within a release,
    also over restarts. In a simulated loop the very same code runs on virtual time.
    """

    def __init__(self, origin: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._offset = origin - self._loop.time()

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        return self._loop.time() + self._offset

    async def sleep_until(self, at: float) -> None:
        """Return when `at` has come; at once when it has already."""
        await asyncio.sleep(max(0.0, at - self.now()))
