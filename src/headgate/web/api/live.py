"""The live stream of the ledger: entries of releases, and notes of the home, for those who may read them."""

from http import HTTPStatus
from typing import Annotated

import msgspec

from headgate.core.home.facts import AnyHomeEvent, FreezeLifted, FreezeSet, UnitRetired
from headgate.web.api.home import EVERYWHERE
from headgate.web.doors.front_door import FrontDoor
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import Problem, malformed, unknown
from headgate.web.http.stream import LISTENERS_MAX, EventResponse, Frame, Stream
from headgate.web.http.who import Who

PATH = "/v1/stream"
LAST_EVENT_ID = "last-event-id"


class StreamQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to begin. `after` is the sequence of the last entry seen; without it, only what is new comes.

    A browser that comes back says it by the header `Last-Event-ID`, which counts more.
    """

    release: str | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None


class Live:
    """The endpoint for listeners."""

    def __init__(self, stream: Stream, door: FrontDoor) -> None:
        self._stream = stream
        self._door = door

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The one there is."""
        return (
            Endpoint(
                "GET",
                PATH,
                "listen",
                "Entries as they come, and notes of the home (server-sent events); the id of each is its sequence",
                self._listen,
                str,
                "ledger",
                query=StreamQuery,
                problems=(HTTPStatus.NOT_FOUND,),
                media_type="text/event-stream",
                headers={LAST_EVENT_ID: "The id of the last event seen: what came after it comes first"},
            ),
        )

    async def _listen(self, call: Call) -> Reply:
        query: StreamQuery = call.query
        if query.release is not None and self._stream.environment(query.release) == "":
            raise unknown("release", query.release)
        if query.release is not None:
            call.demand("read", self._stream.environment(query.release))
        if self._stream.listeners >= LISTENERS_MAX:
            detail = f"{LISTENERS_MAX} listen already"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many listeners", detail)
        after = _after(call, query)

        def wanted(frame: Frame) -> bool:
            if frame.note is not None:
                return query.release is None and self._may_hear(call.who, frame.note)
            return call.who.may("read", frame.environment) and query.release in (None, frame.release)

        frames = self._stream.frames(self._stream.newest if after is None else after, wanted)
        return Reply(EventResponse(frames, welcome=lambda: self._door.welcome(call.who)))

    def _may_hear(self, who: Who, note: AnyHomeEvent) -> bool:
        """Freezes and retired units are for whoever may read there, as in their lists; the rest is about access."""
        match note:
            case FreezeSet():
                return any(who.may("read", where) for where in note.environments or (None,))
            case FreezeLifted():
                freeze = self._door.book.home.freezes.get(note.freeze)
                return freeze is not None and self._may_hear(who, freeze.set)
            case UnitRetired():
                return who.may("read", note.unit.environment)
            case _:
                return who.may("administer", EVERYWHERE)


def _after(call: Call, query: StreamQuery) -> int | None:
    """The place to begin after; None: now. Raises Problem (422)."""
    last = call.headers.get(LAST_EVENT_ID)
    if last is None:
        return query.after
    if not last.isascii() or not last.isdigit() or len(last) > len(str(2**62)):
        raise malformed(f"{last[:40]!r} is no id of an event", f"header.{LAST_EVENT_ID}")
    return int(last)
