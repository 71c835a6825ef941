"""The courier of one lane: brings what is in it to its channel or marker, in order, again where that may help."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from headgate.outbox.book import Book, GivenUp, Lane, Parcel
from headgate.outbox.store import Limits
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.marker import Marker
from headgate.ports.notifier import Notifier

WHY_MAX = 500


class Maker(Protocol):
    """Makes the plugin behind a lane. Raises PortError."""

    def __call__(self, lane: Lane) -> Notifier | Marker:
        """The plugin; it may be made anew whenever its settings change."""
        ...


class Courier:
    """One lane's. Whatever it changes in the book it has saved by `save`."""

    def __init__(
        self,
        name: str,
        book: Book,
        make: Maker,
        now: Callable[[], float],
        save: Callable[[], Awaitable[None]],
        limits: Limits,
    ) -> None:
        self._name = name
        self._book = book
        self._make = make
        self._now = now
        self._save = save
        self._limits = limits
        self._made: tuple[object, Notifier | Marker] | None = None
        self._hanging: asyncio.Task[str] | None = None

    @property
    def lane(self) -> Lane:
        """The lane, as the book has it."""
        return self._book.lanes[self._name]

    async def carry(self) -> None:
        """Bring what is queued, one after the other, until the lane is empty."""
        while (lane := self._book.lanes.get(self._name)) is not None and lane.queue:
            parcel = lane.queue[0]
            pause_s = parcel.due_at - self._now()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
                continue  # it may have been replaced by a newer one meanwhile
            await self._bring(parcel)
            await self._save()

    async def _bring(self, parcel: Parcel) -> None:
        release = self._book.release(parcel.release)
        reference = "" if _is_digest(parcel) else release.references.get(self._name, "")
        try:
            reference = await self._attempt(parcel, reference)
        except PortError as error:
            self._failed(parcel, error)
            return
        if not _is_digest(parcel):
            release.references[self._name] = reference
        self._done(parcel)

    async def _attempt(self, parcel: Parcel, reference: str) -> str:
        """Call the plugin, for at most `attempt_s`; one that cannot be called off is left behind, one at a time."""
        if self._hanging is not None and not self._hanging.done():
            raise Temporary("the call before has not ended yet")
        call = asyncio.create_task(self._call(parcel, reference))
        try:
            done, _ = await asyncio.wait({call}, timeout=self._limits.attempt_s)
        except asyncio.CancelledError:
            call.cancel()
            raise
        if not done:
            call.cancel()
            await asyncio.wait({call}, timeout=self._limits.abandon_s)
            self._hanging = None if call.done() else call
            raise Temporary(f"no answer within {self._limits.attempt_s:g} s")
        return call.result()

    async def _call(self, parcel: Parcel, reference: str) -> str:
        try:
            plugin = self._plugin()
            if parcel.message is not None:
                return await plugin.send(parcel.message, reference)  # type: ignore[union-attr]
            assert parcel.mark is not None, "a parcel holds a message or a mark"
            return await plugin.mark(parcel.mark, reference)  # type: ignore[union-attr]
        except PortError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin's defect must not end the lane
            raise Permanent(f"the plugin {self.lane.kind!r} broke down: {type(error).__name__}") from None

    def _plugin(self) -> Notifier | Marker:
        lane = self.lane
        identity = (lane.group, lane.kind, lane.settings, lane.reach)
        if self._made is None or self._made[0] != identity:
            self._made = (identity, self._make(lane))
        return self._made[1]

    def _failed(self, parcel: Parcel, error: PortError) -> None:
        parcel.tries += 1
        parcel.trouble = str(error)[:WHY_MAX]
        aged = self._now() - parcel.since >= self._limits.age_max_s
        if isinstance(error, Permanent) or aged or parcel.tries >= self._limits.tries_max:
            self._done(parcel)
            give_up(self._book, self._name, parcel, self._now(), self._limits)
        else:
            parcel.due_at = self._now() + self._limits.pause_s(parcel.tries)

    def _done(self, parcel: Parcel) -> None:
        """Take it out of the lane, if it is still there: too full a lane may have dropped it meanwhile."""
        self.lane.queue[:] = [one for one in self.lane.queue if one is not parcel]


def give_up(book: Book, lane: str, parcel: Parcel, now: float, limits: Limits) -> None:
    """Put on record that this is not said, and why; the oldest such records make room."""
    why = parcel.trouble or "there was no room for it"
    book.given_up.append(GivenUp(now, lane, parcel.key, parcel.title, parcel.tries, why))
    del book.given_up[: -limits.given_up_max]


def _is_digest(parcel: Parcel) -> bool:
    """A digest is about several releases: it belongs to no one's thread."""
    return parcel.message is not None and parcel.key.startswith("digest/")
