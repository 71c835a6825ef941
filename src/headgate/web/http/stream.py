"""Live: the ledger's entries as server-sent events (WHATWG HTML, section 9.2), whose id is the entry's sequence.

Nobody has a queue. One task reads new entries and keeps the newest frames; every listener has a place of its own and
takes what comes after it, from those frames or, further behind, from the ledger. So a listener that was away resumes
without loss by the id it saw last, a slow one delays nobody, and memory does not grow with either.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headgate.core.home.facts import AnyHomeEvent
from headgate.ledger import Entry, Ledger, Note
from headgate.ledger.store import HOME
from headgate.tasks import beside

POLL_S = 0.1
"""How often the ledger is asked for its newest entry while anybody listens."""

FRAMES_MAX = 1024
PAGE = 256
HEARTBEAT_S = 15.0
STALLED_S = 30.0
"""A listener that takes nothing for so long is cut off; it comes back by itself, from the id it saw last."""

CHECK_S = 1.0
"""How often it is looked whether a listener is still welcome."""

RETRY_MS = 1000
LISTENERS_MAX = 1000


@dataclass(frozen=True)
class Frame:
    """One entry, ready to be sent. `environment` is that of its release; `note` the fact, in one about the home."""

    sequence: int
    release: str
    environment: str
    data: bytes
    note: AnyHomeEvent | None = None


Wanted = Callable[[Frame], bool]


class Stream:
    """The entries of one ledger as they come. Make it where the event loop runs; `running` keeps it going."""

    def __init__(self, ledger: Ledger, poll_s: float = POLL_S) -> None:
        self._ledger = ledger
        self._poll_s = poll_s
        self._frames: deque[Frame] = deque(maxlen=FRAMES_MAX)
        self._seen = 0
        self._grown = asyncio.Event()
        self._wanted = asyncio.Event()
        self._environments: dict[str, str] = {}
        self._over = False
        self.listeners = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Read on for as long as the context lasts; with it, every listener's frames end."""
        self._seen = self._ledger.last_sequence()
        try:
            async with beside(self._read_on()):
                yield
        finally:
            self._over = True
            self._grown.set()

    @property
    def newest(self) -> int:
        """The sequence of the newest entry: where a listener begins that has seen nothing yet."""
        return self._ledger.last_sequence()

    async def frames(self, after: int, wanted: Wanted) -> AsyncGenerator[Frame | None]:
        """Every wanted frame after the entry `after`, while the stream runs; None after HEARTBEAT_S without one."""
        self.listeners += 1
        self._wanted.set()
        try:
            while not self._over:
                grown = self._grown
                frames = self._after(after)
                for frame in frames:
                    after = frame.sequence
                    if wanted(frame):
                        yield frame
                if frames:
                    continue
                try:
                    async with asyncio.timeout(
                        HEARTBEAT_S
                    ):  # wait_for of Python 3.11 may lose a cancellation
                        await grown.wait()
                except TimeoutError:
                    yield None
        finally:
            self.listeners -= 1
            if not self.listeners:
                self._wanted.clear()

    def _after(self, after: int) -> list[Frame]:
        """The frames after this place that are at hand, else the next page from the ledger."""
        if self._frames and self._frames[0].sequence <= after + 1:
            missing = min(len(self._frames), max(0, self._frames[-1].sequence - after))
            newest_first = (self._frames[-1 - n] for n in range(missing))
            return [frame for frame in newest_first if frame.sequence > after][::-1][:PAGE]
        return [self._frame(link) for link in self._ledger.links(after, PAGE)]

    async def _read_on(self) -> None:
        while True:
            await self._wanted.wait()
            entries = self._ledger.links(self._seen, PAGE)
            for entry in entries:
                self._frames.append(self._frame(entry))
                self._seen = entry.sequence
            if entries:
                self._grown.set()
                self._grown = asyncio.Event()
            if len(entries) < PAGE:
                await asyncio.sleep(self._poll_s)

    def _frame(self, entry: Entry | Note) -> Frame:
        body = msgspec.json.encode(entry)
        if isinstance(entry, Note):
            data = b"id: %d\nevent: note\ndata: %s\n\n" % (entry.sequence, body)
            return Frame(entry.sequence, HOME, "", data, entry.event)
        data = b"id: %d\nevent: entry\ndata: %s\n\n" % (entry.sequence, body)
        return Frame(entry.sequence, entry.release, self.environment(entry.release), data)

    def environment(self, release: str) -> str:
        """That of a release; empty where there is none of this name."""
        if release not in self._environments:
            summary = self._ledger.summary(release)
            if summary is None:
                return ""
            if len(self._environments) >= FRAMES_MAX:
                self._environments.clear()
            self._environments[release] = summary.environment
        return self._environments[release]


class EventResponse(Response):
    """The answer to a listener: frames, until the other side goes away, stalls, or is welcome no more."""

    def __init__(
        self,
        frames: AsyncGenerator[Frame | None],
        stalled_s: float = STALLED_S,
        welcome: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__()
        self._frames = frames
        self._stalled_s = stalled_s
        self._welcome = welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, and listen for the end of the connection at the same time."""
        del scope  # ASGI gives it; all that it says was looked at before
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.create_task(self._send_all(send))
        gone = asyncio.create_task(_gone(receive))
        unwelcome = asyncio.create_task(self._unwelcome())
        tasks = {sending, gone, unwelcome}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not unwelcome.cancelled() and sending.cancelled():
            await send({"type": "http.response.body", "body": b""})

    async def _unwelcome(self) -> None:
        """Until whoever listens is not welcome any more: signed out, or their token was revoked, say."""
        while self._welcome():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(CHECK_S)

    async def _send_all(self, send: Send) -> None:
        async def put(data: bytes) -> None:
            async with asyncio.timeout(self._stalled_s):
                await send({"type": "http.response.body", "body": data, "more_body": True})

        await put(b"retry: %d\n\n" % RETRY_MS)
        async with contextlib.aclosing(self._frames) as frames:
            async for frame in frames:
                await put(frame.data if frame is not None else b": still here\n\n")
        await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
