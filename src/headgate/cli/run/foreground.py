"""The controller in this process, in a thread of its own: the same one that `headgate up` runs as a daemon.

The main thread is left with the terminal and with Ctrl-C, and speaks to it over the socket, as it would to any other.
"""

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path

STOP_S = 15.0
"""How long leaving waits for the controller to let go. What it leaves behind runs on in any case."""


class Foreground:
    """A controller that lives as long as this command."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, name="controller", daemon=True)
        self.broken: Exception | None = None

    def start(self) -> None:
        """Return once it steers. Raises LeaseTaken, PortError, LedgerError, as `wiring.running` does."""
        self._thread.start()
        self._ready.result()

    def close(self) -> None:
        """Let go, changing nothing in the world. May be called again."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _live(self) -> None:
        try:
            asyncio.run(self._steer())
        except Exception as error:  # noqa: BLE001 - it is raised, or told, in the main thread
            self.broken = error
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _steer(self) -> None:
        from headgate import wiring

        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with wiring.running(self._home):
            self._ready.set_result(None)
            await self._stop.wait()
