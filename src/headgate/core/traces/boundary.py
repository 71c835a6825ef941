"""The failure boundary: the service in which an error began, as opposed to those that only passed it on.

Of every request that came in and failed, one asks: did something that it called, and waited for, fail as well, so that
this explains it? Then the error was passed on; the question goes to the one below. Otherwise it began here.

* A call that failed and was tried again with success explains nothing: it was made good. That of the last try counts.
  The request at the other end of each failed try is charged by itself, once a try.
* A caller that gave up waiting fails where nothing below did. The request below that alone outlasted the caller's
  patience is to blame, though its answer came in the end: durations are compared, each by its own clock, so that clocks
  need not agree. What it waited for as long itself passes the blame further down.
* A failed call at whose end no span is known (a database, a service without spans, one that died or hangs) leaves the
  error with the caller: unknown is not innocent. Both arms of the caller meet this alike.
* Spans that are missing in between cut a trace into pieces. A failed piece whose cause is missing explains a failure
  elsewhere in the trace that lasted at least as long, as callers do. One error in each trace is never explained away.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

# One span of a distributed trace: as much of OpenTelemetry's as it takes to say where an error began.

Kind = Literal["entry", "exit", "inner"]
"""A request that came in (SERVER, CONSUMER), one that went out (CLIENT, PRODUCER), or work in between (INTERNAL)."""


class Party(msgspec.Struct, frozen=True, order=True):
    """Who did something: a version of a service in an environment; `instance` is which of its processes."""

    service: str
    version: str
    environment: str = ""
    instance: str = ""


class Span(msgspec.Struct, frozen=True):
    """A piece of work. `parent` is the span that caused it, in whichever process; empty: nothing did.

    `ended_ns` is by the clock of its own machine: it is compared only with spans of the same process, durations with
    any. `aim` says what an exit asks for: the same aim asked twice is a retry. `waits` is false for messages, whose
    sender does not wait for what becomes of them (PRODUCER, CONSUMER).
    """

    trace: str
    id: str
    parent: str
    party: Party
    kind: Kind
    ended_ns: int
    duration_ns: int
    failed: bool
    aim: str = ""
    waits: bool = True


Fate = Literal["well", "began", "passed"]
"""What became of a request: it was answered well, its error began here, or it was passed on from below."""


class RequestOutcome(msgspec.Struct, frozen=True):
    """A request that came in to a party, and its fate."""

    span: Span
    fate: Fate


class _Call(msgspec.Struct, frozen=True):
    """What an entry asked of others. `exit` is None where only the other end has a span."""

    exit: Span | None
    answers: tuple[Span, ...]

    @property
    def failed_below(self) -> bool:
        return any(answer.failed and answer.waits for answer in self.answers)

    @property
    def failed(self) -> bool:
        return self.failed_below or (self.exit is not None and self.exit.failed)

    @property
    def ended_ns(self) -> int:
        return self.exit.ended_ns if self.exit is not None else max(one.ended_ns for one in self.answers)

    @property
    def aim(self) -> str:
        if self.exit is not None and self.exit.aim:
            return self.exit.aim
        return " ".join(sorted({f"{one.party.service} {one.aim}" for one in self.answers}))

    @property
    def late(self) -> Span | None:
        """The answer that came after the caller had given up, where it gave up."""
        if self.exit is None or not self.exit.failed or self.failed_below:
            return None
        slow = (one for one in self.answers if _outlasts(one, self.exit.duration_ns))
        return max(slow, key=lambda one: (one.duration_ns, one.id), default=None)


def _outlasts(span: Span, patience_ns: int) -> bool:
    return span.waits and span.duration_ns >= patience_ns


def locate(spans: Iterable[Span]) -> tuple[RequestOutcome, ...]:
    """The fate of every request that came in, for the spans of one trace, in any order, doubled ones once.

    A request is an entry whose parent is not an entry of the same party (that would be the same request, seen by two
    layers of one server).
    """
    trace = _Trace(spans)
    fates: dict[str, Fate] = {entry.id: trace.fate(entry) for entry in trace.entries}
    held_up = set(trace.held_up())
    fates |= {one: "passed" for one, fate in held_up if fate == "passed" and fates[one] == "well"}
    fates |= {one: "began" for one, fate in held_up if fate == "began" and not trace.span(one).failed}
    fates |= dict.fromkeys(trace.explained_elsewhere(fates), "passed")
    return tuple(RequestOutcome(entry, fates[entry.id]) for entry in trace.entries)


class _Trace:
    """The spans of one trace, and who called whom: trees, whatever the spans claim."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans: dict[str, Span] = {}
        for span in spans:
            self._spans.setdefault(span.id, span)
        circular = self._circular()
        self._parents = {
            span.id: span.parent
            for span in self._spans.values()
            if span.parent in self._spans and span.id not in circular
        }
        self._children: dict[str, list[Span]] = {}
        for child, parent in self._parents.items():
            self._children.setdefault(parent, []).append(self._spans[child])
        self.entries = tuple(span for span in self._spans.values() if self._comes_in(span))
        self._calls: Mapping[str, tuple[_Call, ...]] = {
            entry.id: tuple(self._called(entry)) for entry in self.entries
        }

    def span(self, name: str) -> Span:
        """The span of this identity."""
        return self._spans[name]

    def fate(self, entry: Span) -> Fate:
        """What the entry's own tree says of it."""
        if not entry.failed:
            return "well"
        explained = any(call.failed_below or call.late for call in _not_made_good(self._calls[entry.id]))
        return "passed" if explained else "began"

    def held_up(self) -> Iterator[tuple[str, Fate]]:
        """The entries that let a caller wait until it gave up, from the caller down: only the last one began it.

        A caller that did not fail, and did not try again, was given up itself: nobody below is to blame for that.
        """
        for entry in self.entries:
            calls = self._calls[entry.id]
            left_so = () if entry.failed else tuple(_not_made_good(calls))
            for call in calls:
                if call.late is not None and call.exit is not None and call not in left_so:
                    yield from self._down(call.late, call.exit.duration_ns)

    def explained_elsewhere(self, fates: Mapping[str, Fate]) -> Iterator[str]:
        """The failed entries whose error seems to begin there, but that a piece of the same trace accounts for."""
        began = [entry for entry in self.entries if entry.failed and fates[entry.id] == "began"]
        tops = {entry.id: self._top(entry) for entry in began}
        causes = sorted((_size(one), tops[one.id]) for one in began if self._lost_its_caller(tops[one.id]))
        for entry in began:
            smaller = (top for size, top in causes if size < _size(entry))
            if any(top is not tops[entry.id] and top.duration_ns <= entry.duration_ns for top in smaller):
                yield entry.id

    def _circular(self) -> set[str]:
        """The spans that are their own ancestors: what they say of their parents is not believed."""
        circular: set[str] = set()
        known: set[str] = set()
        for start in self._spans:
            path: dict[str, int] = {}
            here = start
            while here in self._spans and here not in known and here not in path:
                path[here] = len(path)
                here = self._spans[here].parent
            if here in path:
                circular.update(list(path)[path[here] :])
            known.update(path)
        return circular

    def _above(self, span: Span) -> Span | None:
        return self._spans[self._parents[span.id]] if span.id in self._parents else None

    def _comes_in(self, span: Span) -> bool:
        above = self._above(span)
        again = above is not None and above.kind == "entry" and above.party == span.party
        return span.kind == "entry" and not again

    def _called(self, entry: Span) -> Iterator[_Call]:
        """What happened inside the entry's process, down to the spans where others take over."""
        left = [entry]
        while left:
            span = left.pop()
            below = self._children.get(span.id, ())
            answers = tuple(child for child in below if self._comes_in(child))
            inside = [child for child in below if not self._comes_in(child)]
            if span.kind == "exit" and not any(child.kind == "exit" for child in inside):
                yield _Call(span, answers)
            else:  # an exit around exits groups the tries of one call
                yield from (_Call(None, (answer,)) for answer in answers)
            left += inside

    def _down(self, late: Span, patience_ns: int) -> Iterator[tuple[str, Fate]]:
        below: Span | None = late
        while below is not None:
            late = below
            answers = (one for call in self._calls[late.id] for one in call.answers)
            below = max(
                (one for one in answers if _outlasts(one, patience_ns)),
                key=lambda one: (one.duration_ns, one.id),
                default=None,
            )
            yield late.id, "began" if below is None else "passed"

    def _top(self, entry: Span) -> Span:
        """The first span of the piece that `entry` is in."""
        while (above := self._above(entry)) is not None:
            entry = above
        return entry

    def _lost_its_caller(self, top: Span) -> bool:
        return bool(top.parent) and top.kind == "entry" and top.failed and top.waits


def _size(entry: Span) -> tuple[int, str]:
    """Orders errors, so that the smallest of a trace is never explained by another."""
    return entry.duration_ns, entry.id


def _not_made_good(calls: tuple[_Call, ...]) -> Iterator[_Call]:
    """The failed calls that no call with the same aim, ended later, made good."""
    good: dict[str, int] = {}
    for call in calls:
        if not call.failed:
            good[call.aim] = max(good.get(call.aim, call.ended_ns), call.ended_ns)
    return (call for call in calls if call.failed and good.get(call.aim, call.ended_ns - 1) < call.ended_ns)
