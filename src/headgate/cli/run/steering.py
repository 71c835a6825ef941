"""The controller that a command uses: the one that runs already, or else one in this process; and a successor."""

import asyncio
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from headgate.cli import exits
from headgate.cli.ask.client import Client, NoController
from headgate.cli.errors import Unable
from headgate.ports.controller import Health

GRACE_S = 2.0
"""How long a controller may be silent before we take over: a daemon is started again within a second."""

STARTING_S = 20.0
"""How long we wait for another controller that is just starting."""

ASK_EVERY_S = 0.5


class Steering:
    """Use `ensure`, then `client`; call `keep` now and then; `close` ends a controller in this process."""

    def __init__(self, home: Path, socket: Path) -> None:
        self.client = Client(socket)
        self._home = home
        self._own: Foreground | None = None
        self._asked_at = 0.0
        self._heard_at = 0.0
        self.health = Health()

    @property
    def ours(self) -> bool:
        """True when the controller lives in this process."""
        return self._own is not None

    def running(self) -> bool:
        """True when a controller answers now; its health is then known."""
        try:
            self.health = self.client.health()
        except (NoController, Unable):
            return False
        self._heard_at = time.monotonic()
        return True

    def ensure(self) -> None:
        """Find the running controller, or become one. Raises what `wiring.running` raises, Displaced and Unable."""
        from headgate.homes.identity import require

        require(self._home)
        patience = time.monotonic() + STARTING_S
        while not self.running():
            if self._start():
                continue
            if time.monotonic() > patience:
                raise Unable(
                    f"another controller holds {self._home} and does not answer",
                    "see `headgate up` and its log, log/controller.log in the home",
                    code=exits.INTERNAL,
                )
            time.sleep(0.1)

    def keep(self) -> str:
        """Take over when no controller runs any more. Returns a sentence when something has changed."""
        now = time.monotonic()
        if now - self._asked_at < ASK_EVERY_S:
            return ""
        self._asked_at = now
        if self._own is not None and self._own.broken is not None:
            raise self._own.broken
        if self.running() or now - self._heard_at < GRACE_S:
            return ""
        return "The controller is gone: this command has taken over." if self._start() else ""

    def trouble(self, release: str) -> str:
        """What stands in the way of a release inside the controller: a full disk, a busy ledger."""
        return self.health.trouble.get(release, "")

    def close(self) -> None:
        """Let go."""
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def _start(self) -> bool:
        """Be the controller; false when somebody else is, after all."""
        from headgate.controller.lease import LeaseTaken

        own = Foreground(self._home)
        try:
            own.start()
        except LeaseTaken:
            return False
        except KeyboardInterrupt:
            own.close()
            raise
        self._own = own
        return True


# The controller in this process, in a thread of its own: the same one that `headgate up` runs as a daemon.
#
# The main thread is left with the terminal and with Ctrl-C, and speaks to it over the socket, as it would to any other.

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
