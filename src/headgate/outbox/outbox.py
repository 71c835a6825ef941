"""The outbox of a home: from the ledger's entries to what channels and markers are given."""

import asyncio
import contextlib
from collections.abc import Callable

from headgate.core.machine.plan import Leg
from headgate.core.model import Version
from headgate.core.story.notices import Notice, Telling
from headgate.core.story.timeline import TimelinePart
from headgate.core.story.view import phase
from headgate.ledger import Ledger, LedgerError
from headgate.outbox.book import Book, Lane, decoded, encoded, lane_trouble
from headgate.outbox.courier import Courier, Maker
from headgate.outbox.follower import Followed, Follower, News
from headgate.outbox.sorting import Sorter
from headgate.outbox.store import Limits, Store
from headgate.ports.marker import Mark, MarkedService, MarkMoment

# A release as its mark in another system.

CommitOf = Callable[[Version], str]
"""The commit an artifact was built from; empty where nobody knows."""


def mark_of(
    telling: Telling, moment: MarkMoment, commit_of: CommitOf, parts: tuple[TimelinePart, ...] = ()
) -> Mark:
    """The mark of a release that has begun, as it is now."""
    folded = telling.folded
    state, request, legs = folded.state, folded.request, folded.plan.legs
    labels = {intent.candidate: intent.label for intent in request.intents}
    return Mark(
        moment=moment,
        release=request.release,
        project=legs[0].unit.project,
        environment=legs[0].unit.environment,
        services=tuple(_service(leg, labels.get(leg.change.candidate, ""), commit_of) for leg in legs),
        author=request.author,
        reason=request.reason,
        phase=phase(state, folded.plan),
        outcome=state.outcome if state.ended_at is not None else None,
        started_at=telling.started_at or request.at,
        at=state.at,
        ended_at=state.ended_at,
        parts=parts,
    )


def _service(leg: Leg, label: str, commit_of: CommitOf) -> MarkedService:
    before = leg.change.baseline.key if leg.change.baseline else ""
    return MarkedService(
        leg.unit.service, before, leg.change.candidate.key, label, commit_of(leg.change.candidate)
    )


def _nobody_knows(_: object) -> str:
    return ""


def _always() -> bool:
    return True


class Outbox:
    """Follows one ledger and tells of what it reads. One at a time for a home: whoever runs the controller has it.

    `make` makes the plugin behind a lane, `now` is the time of day (seconds since the epoch), `commit_of` the commit a
    version was built from, `held` whether this is still the home's controller: once it is not, nothing more is told.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        make: Maker,
        now: Callable[[], float],
        *,
        commit_of: CommitOf = _nobody_knows,
        held: Callable[[], bool] = _always,
        limits: Limits | None = None,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._make = make
        self._now = now
        self._commit_of = commit_of
        self._held = held
        self._limits = limits or Limits()
        self._follower = Follower(ledger)
        self._couriers: dict[str, tuple[Courier, asyncio.Task[None]]] = {}
        self._saving = asyncio.Lock()
        self._unsaved = False
        self._begun = False
        self._trouble = ""
        self._notes: list[str] = []
        self.book = Book()
        self._sorter = Sorter(self.book, self._limits, now)

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tell, until cancelled. A ledger or a disk that fails now is tried again, and named in `trouble`."""
        while self._held():
            await self._round()
            await asyncio.sleep(self._limits.poll_s)
        await self.close()

    async def begin(self) -> None:
        """Read the book, before anything new happens. One that is lost is begun anew from where the ledger is now.

        Where that fails, it is named in `trouble` and tried again in every round.
        """
        try:
            self._open()
        except (LedgerError, OSError) as error:
            self._trouble = f"the outbox cannot begin: {error}"
        else:
            self._begun = True
            await self._save()

    async def flush(self) -> None:
        """For the end: take in what the ledger has, and give what can be brought at once a moment to be brought."""
        if not self._held():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.flush_s):
                await self._round()
                while any(_fresh(lane) for lane in self.book.lanes.values()):  # noqa: ASYNC110 - lanes tell nobody
                    await asyncio.sleep(self._limits.poll_s / 10)
        await self._save()

    async def close(self) -> None:
        """Let go; what is not said yet is in the book, for whoever runs next."""
        tasks = [task for _, task in self._couriers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._couriers.clear()

    # --- what is wrong ----------------------------------------------------------------------------------------------

    def trouble(self) -> dict[str, str]:
        """What stands in the way of telling, by lane; empty when nothing does."""
        found = {name: f"cannot be told of: {why}" for name, why in self._follower.broken.items()}
        if self._trouble or self._notes:
            found["outbox"] = "; ".join([*self._notes, *([self._trouble] if self._trouble else [])])
        return found | lane_trouble(self.book, self._now())

    # --- rounds -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        content = self._store.load()
        book = Book()
        lost = "" if content is not None or not self._ledger.last_sequence() else "there is none"
        if content is not None:
            try:
                book = decoded(content)
                lost = self._foreign(book)
            except ValueError as error:
                lost = str(error)
            if lost:
                self._store.set_aside()
        if lost:
            book = Book(cursor=self._ledger.last_sequence())
            self._notes = (
                [f"the record of what was told was begun anew: {lost}"] if content is not None else []
            )
        self.book = book
        self._sorter = Sorter(book, self._limits, self._now)
        self._follower.begin(book.cursor)
        for followed in self._follower.open.values():
            self._sorter.adopt(followed)

    def _foreign(self, book: Book) -> str:
        """Why the book cannot be about this ledger; empty when it can."""
        if book.cursor > self._ledger.last_sequence():
            return "it is ahead of the ledger"
        if not book.head:
            return ""
        here = self._ledger.since(book.cursor - 1, 1)
        same = bool(here) and (here[0].sequence, here[0].hash) == (book.cursor, book.head)
        return "" if same else "it is about another ledger"

    async def _round(self) -> None:
        """Take in what is new, keep what follows from it, then have it brought."""
        if not self._begun:
            await self.begin()
        if not self._begun:
            return
        try:
            while self._take_in():
                await self._keep()
                await asyncio.sleep(0)
            self._trouble = ""
        except LedgerError as error:
            self._trouble = f"the ledger cannot be read: {error}"
        self._look_at_the_clock()
        self._sorter.prune(self._follower.open)
        await self._keep()
        self._wake()

    def _take_in(self) -> bool:
        """The next entries; True when there may be more."""
        count = 0
        for news in self._follower.news(self.book.cursor, self._limits.entries_max):
            count += 1
            self._sort(news)
            self.book.cursor, self.book.head = news.entry.sequence, news.entry.hash
        return count == self._limits.entries_max

    def _sort(self, news: News) -> None:
        followed = news.followed
        if followed is None:
            return
        if news.entry.number == 1:
            self._sorter.adopt(followed)
        for notice in news.notices:
            self._sorter.tell(followed, notice)
            self._mark(followed, notice)

    def _look_at_the_clock(self) -> None:
        """What waits for a person, what has waited too long, and what quiet hours have kept back."""
        now = self._now()
        for release, followed in self._follower.open.items():
            known, telling = self.book.release(release), followed.telling
            asked, late = telling.asks(now), telling.escalates(now)
            if asked is not None and known.told != asked.key:
                known.told = asked.key
                self._sorter.tell(followed, asked)
                self._mark(followed, asked)
            if late is not None and known.escalated != late[1].key:
                known.escalated = late[1].key
                self._sorter.escalate(followed, *late)
        self._sorter.end_quiet()

    def _mark(self, followed: Followed, notice: Notice) -> None:
        telling = followed.telling
        if telling.started_at is None or followed.drawing is None or notice.moment in ("requested", "closed"):
            return
        ended = telling.folded.state.ended_at is not None
        moment: MarkMoment = "ended" if ended else "started" if notice.moment == "started" else "updated"
        drawn = tuple(followed.drawing.done()) if ended else ()
        self._sorter.mark(followed, notice, mark_of(telling, moment, self._commit_of, drawn))

    # --- keeping and bringing ---------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        if self._sorter.changed or self._unsaved:
            await self._save()

    async def _save(self) -> None:
        """Write the book; on failure it is tried again in the next round, and the telling goes on from memory."""
        if not self._held():
            return
        async with self._saving:
            self._sorter.changed = False
            try:
                await self._store.save(encoded(self.book))
                self._unsaved = False
            except OSError as error:
                self._unsaved = True
                self._trouble = f"what is to be told cannot be kept: {error.strerror or error}"

    def _wake(self) -> None:
        """A courier for every lane in which something is queued, and none for any other."""
        for name, (_, task) in list(self._couriers.items()):
            if task.done() and name not in self.book.lanes:
                del self._couriers[name]
        for name, lane in self.book.lanes.items():
            known = self._couriers.get(name)
            if not lane.queue or (known is not None and not known[1].done()):
                continue
            courier = (
                known[0]
                if known
                else Courier(name, self.book, self._make, self._now, self._save, self._limits)
            )
            self._couriers[name] = (courier, asyncio.create_task(courier.carry()))


def _fresh(lane: Lane) -> bool:
    """Something is queued that nobody has tried to bring yet."""
    return any(not parcel.tries for parcel in lane.queue)
