"""The processes beside the controller: the door and the relay, what they are told, and what is known of them."""

import asyncio
import contextlib
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

from headgate.core.machine.plan import Plan
from headgate.core.model import Arm, Source, Version
from headgate.ipc.answering import Answering
from headgate.ipc.asking import Asking, Silent
from headgate.ipc.child import Calling, Child
from headgate.ipc.messages import Answer, Ask, Counted, Noted, Read, Refused, Report
from headgate.ipc.steering import SteeringServer
from headgate.ledger import Ledger
from headgate.outbox.book import Book, encoded, read_book
from headgate.outbox.store import FileStore
from headgate.ports import Artifacts, Permanent, PortError, Signals, Temporary
from headgate.ports.observer import Happened
from headgate.tasks import beside

DOOR = Calling("door", "headgate.wiring.door")
RELAY = Calling("relay", "headgate.wiring.relay", finishes=True)  # what is to be told is told

READ_WITHIN_S = 5.0
"""How long the relay may take for one reading, whatever patience the controller has."""

LOOK_EVERY_S, LOOK_WITHIN_S = 1.0, 5.0
COOL_S = 5.0
KNOWN_MAX = 256


class Door:
    """The process that others reach. `url` is where it is, once it has said so."""

    def __init__(self, home: Path) -> None:
        self._child = Child(DOOR, home, self._serve)
        self._server: SteeringServer | None = None
        self.url = ""

    def trouble(self) -> dict[str, str]:
        """What is wrong with it, by name."""
        return self._child.trouble()

    @contextlib.asynccontextmanager
    async def running(self, server: SteeringServer) -> AsyncGenerator[None]:
        """Keep the door running while the context lasts; `server` answers what it asks. Nobody waits for it."""
        self._server = server
        async with beside(self._child.run()):
            yield

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.url = ""
        try:
            await Answering(reader, writer, self._answer).run()
        finally:
            self.url = ""

    async def _answer(self, ask: Ask) -> Answer:
        if isinstance(ask, Report):
            self.url = ask.url
            self._child.heard(ask.trouble)
            return Noted()
        assert self._server is not None  # it only runs while there is one
        return await self._server.handle(ask)


class Relay:
    """The process that asks others and tells others; it is started once something needs it (a `Sourcing`)."""

    def __init__(self, home: Path, artifacts: Artifacts) -> None:
        self._child = Child(RELAY, home, self._speak)
        self._store = FileStore(home)
        self._home = home
        self._artifacts = artifacts
        self._needed = asyncio.Event()
        self._ready = asyncio.Event()
        self._asking: Asking | None = None
        self._measured: dict[str, bool] = {}
        self._slow: dict[tuple[str, Version], float] = {}

    def trouble(self) -> dict[str, str]:
        """What is wrong with it, and what it says of channels and markers, by name."""
        return self._child.trouble()

    def metrics(self, platform: str) -> tuple[Signals, ...]:
        """See Sourcing."""
        return (_Metrics(self, platform),)

    def open(self, source: Source, platform: str) -> Signals:
        """See Sourcing."""
        return _Elsewhere(self, source, platform)

    async def aclose(self) -> None:
        """See Sourcing: the process ends where it is kept."""

    def observe(self, happened: Happened) -> None:
        """Start it in good time for a release that will need it: an Observer."""
        self.foresee([happened.folded.plan])

    def foresee(self, plans: Iterable[Plan]) -> None:
        """Start it in good time for releases with these plans."""
        if not self._needed.is_set() and any(map(self._calls, plans)):
            self._needed.set()

    def measured(self, version: Version) -> bool:
        """Whether a version declares that its own metrics are read. Raises PortError where that is not known."""
        known = self._measured.get(version.configuration)
        if known is None:
            known = bool(self._artifacts.configuration(version.configuration).business)
            if len(self._measured) >= KNOWN_MAX:
                self._measured.clear()
            self._measured[version.configuration] = known
        return known

    def _calls(self, plan: Plan) -> bool:
        if plan.audience.channels or plan.audience.markers or any(leg.sources for leg in plan.legs):
            return True
        with contextlib.suppress(PortError):  # whoever reads it says so
            return any(self.measured(leg.change.candidate) for leg in plan.legs)
        return False

    async def begin(self, ledger: Ledger) -> None:
        """Before anything new happens: see what is to be told yet, and from where on. Raises LedgerError, OSError."""
        book, last = read_book(self._home), ledger.last_sequence()
        if book is None:
            if self._store.load() is None:
                await self._store.save(encoded(Book(cursor=last)))
            return
        if any(lane.queue or lane.waiting for lane in book.lanes.values()):
            self._needed.set()
        elif book.cursor < last and not ledger.summaries(open_only=True, limit=1):
            book.cursor, book.head = last, ""  # nobody was to be told of anything until here
            await self._store.save(encoded(book))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep it while the context lasts, from when it is needed."""
        async with beside(self._run()):
            yield

    async def read(self, source: Source | None, version: Version, platform: str) -> Arm:
        """Have it read. Raises Temporary, Permanent.

        One that was given up is not asked again for COOL_S: whoever waits for it would wait each time.
        """
        self._needed.set()
        key = (source.name if source else "", version)
        left_s = self._slow.get(key, 0.0) - time.monotonic()
        if left_s > 0:
            raise Temporary(f"it took too long the last time: it is asked again in {left_s:.0f} s")
        try:
            return await self._read(Read(source, version, platform))
        except asyncio.CancelledError:
            if len(self._slow) >= KNOWN_MAX:
                self._slow.clear()
            self._slow[key] = time.monotonic() + COOL_S
            raise

    async def _read(self, asked: Read) -> Arm:
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                await self._ready.wait()
            answer = await self._ask(asked)
        except (TimeoutError, Silent) as error:
            why = str(error) or "it has not started yet"
            raise Temporary(f"the relay, which reads this, does not answer: {why}") from error
        match answer:
            case Counted(arm):
                return arm
            case Refused("permanent", why):
                raise Permanent(why)
            case Refused(_, why):
                raise Temporary(why)
            case _:
                raise Temporary("the relay answered another question")

    async def _ask(self, ask: Ask) -> Answer:
        """Raises Silent."""
        if self._asking is None:
            raise Silent("it has just ended")
        return await self._asking.ask(ask, READ_WITHIN_S)

    async def _run(self) -> None:
        await self._needed.wait()
        await self._child.run()

    async def _speak(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._asking = asking = Asking(reader, writer)
        self._ready.set()
        try:
            while not asking.closed.is_set():
                with contextlib.suppress(Silent):
                    answer = await asking.ask(Report(), LOOK_WITHIN_S)
                    if isinstance(answer, Report):
                        self._child.heard(answer.trouble)
                await asking.rest(LOOK_EVERY_S)
        finally:
            self._ready.clear()
            self._asking = None
            await asking.close()


class _Elsewhere:
    """A source that the relay reads."""

    def __init__(self, relay: Relay, source: Source, platform: str) -> None:
        self._relay = relay
        self._source = source
        self._platform = platform

    async def read(self, version: Version) -> Arm:
        """See ports.Signals."""
        return await self._relay.read(self._source, version, self._platform)


class _Metrics:
    """The services' own metrics, read by the relay; where none are declared, nobody is asked."""

    def __init__(self, relay: Relay, platform: str) -> None:
        self._relay = relay
        self._platform = platform

    async def read(self, version: Version) -> Arm:
        """See ports.Signals."""
        if not self._relay.measured(version):
            return Arm()
        return await self._relay.read(None, version, self._platform)
