"""The process of the door: all that others ask of us.

The controller starts it as `python -m headgate.wiring.door HOME FD`. It reads the ledger by itself and asks the
controller over its link. However it fares, releases go on.
"""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from pathlib import Path

from headgate.controller.journal import log_file, logged
from headgate.controller.lease import FileLease, LeaseTaken
from headgate.homes import hooks_of, keys_of, sessions_of, socket_of
from headgate.ipc.asking import Asking, Silent
from headgate.ipc.life import TAKE_OVER_S, live
from headgate.ipc.listening import unix_listener
from headgate.ipc.messages import Report
from headgate.ipc.steering import Remote
from headgate.ledger import Ledger
from headgate.plugins.web.client import HttpWeb, Limits
from headgate.ports.issuer import ANSWER_MAX_BYTES
from headgate.web.api.metrics import Metrics
from headgate.web.application import WebServices, behind_socket
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import HomeBook
from headgate.web.entrance import allowed_at, open_door
from headgate.web.hooks.vault import FileVault
from headgate.web.http.following import Following
from headgate.web.http.idempotency import Keys
from headgate.web.http.keeping import FileDrawer
from headgate.web.http.serve import serving
from headgate.web.http.stream import Stream
from headgate.wiring import stores
from headgate.wiring.people import vouching
from headgate.wiring.secrets import declared_at

NICE = 5
"""Whoever judges, and the services themselves, come first on a busy machine."""

REPORT_EVERY_S = 1.0
REPORT_WITHIN_S = 5.0


async def door(home: Path, reader: StreamReader, writer: StreamWriter) -> None:
    """Serve until the controller has ended."""
    asking = Asking(reader, writer)
    async with contextlib.AsyncExitStack() as held:
        held.enter_context(logged(log_file(home, "door")))
        held.push_async_callback(asking.close)
        held.callback((await taken_over(home / "door.lock")).release)
        ledger = held.enter_context(contextlib.closing(stores.open_ledger(home, write=True)))
        web_services = await _web_services(home, ledger, Remote(asking), held)
        web = HttpWeb(
            Limits(body_max_bytes=ANSWER_MAX_BYTES), bounds=allowed_at(home)
        )  # strangers may have it ask
        held.push_async_callback(web.aclose)
        await held.enter_async_context(open_door(home, web_services, vouching(home, web)))
        await _report(asking, web_services.door)  # whoever is answered at the socket knows where the door is
        listener = held.enter_context(unix_listener(socket_of(home)))
        await held.enter_async_context(serving(behind_socket(web_services), listener))
        await held.enter_async_context(
            web_services.stream.running()
        )  # ends first, and every listener with it
        while not asking.closed.is_set():
            await _report(asking, web_services.door)
            await asking.rest(REPORT_EVERY_S)


async def _web_services(
    home: Path, ledger: Ledger, controller: Remote, held: contextlib.AsyncExitStack
) -> WebServices:
    front = FrontDoor(HomeBook(ledger), sessions=FileDrawer(sessions_of(home)))
    front.vault = FileVault(hooks_of(home))
    front.declared = lambda: declared_at(home)
    metrics = Metrics()
    metrics.begin(ledger)
    following = Following(ledger, (metrics.observe,))
    await held.enter_async_context(following.running())
    keys = Keys(FileDrawer(keys_of(home)))
    artifacts = stores.open_artifacts(home)
    return WebServices(controller, ledger, front, Stream(ledger), metrics, artifacts, following, keys)


async def _report(asking: Asking, front: FrontDoor) -> None:
    """Say where the door is, and what is wrong with it. A controller that does not answer is busy, or has ended."""
    trouble = {"dashboard": front.trouble} if front.trouble else {}
    with contextlib.suppress(Silent):
        await asking.ask(Report(trouble, front.url), REPORT_WITHIN_S)


async def taken_over(path: Path) -> FileLease:
    """The lock that a process beside the controller holds, as soon as its predecessor has ended. Raises LeaseTaken."""
    lease = FileLease(path)
    until = asyncio.get_running_loop().time() + TAKE_OVER_S
    while True:
        try:
            lease.acquire()
        except LeaseTaken:
            if asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(REPORT_EVERY_S / 20)
        else:
            return lease


if __name__ == "__main__":
    live(door, NICE)
