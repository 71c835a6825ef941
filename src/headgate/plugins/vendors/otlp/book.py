"""Traces that are not complete yet: one is over when nothing has come of it for a while, or it is too large."""

from collections.abc import Iterator

from headgate.core.traces import RequestOutcome, Span, locate

SPANS_MAX = 50_000
"""In all open traces; over it, the traces that were quiet longest are over."""

TRACE_SPANS_MAX = 500
TRACE_AGE_MAX_S = 60.0
REMEMBERED_MAX = 50_000
"""So many requests are remembered, so that a delivery sent twice is counted once."""


class _Open:
    """The spans of a trace so far."""

    def __init__(self, at: float) -> None:
        self.first_at = self.last_at = at
        self.spans: dict[str, Span] = {}


class Book:
    """Gathers spans by trace, and says what became of each request once its trace is over. Times are in seconds."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._size = 0
        self._told: dict[tuple[str, str], None] = {}

    def add(self, span: Span, at: float) -> Iterator[tuple[RequestOutcome, ...]]:
        """Take a span in; yields the requests of each trace that is over because of it."""
        if (span.trace, span.id) in self._told:
            return
        trace = self._open.pop(span.trace, None) or _Open(at)
        self._open[span.trace] = trace  # the one that was quiet longest comes first
        trace.last_at = at
        if span.id not in trace.spans:
            trace.spans[span.id] = span
            self._size += 1
        if len(trace.spans) >= TRACE_SPANS_MAX or at - trace.first_at > TRACE_AGE_MAX_S:
            yield self._close(span.trace)
        while self._size > SPANS_MAX:
            yield self._close(next(iter(self._open)))

    def over(self, at: float, wait_s: float) -> Iterator[tuple[RequestOutcome, ...]]:
        """The requests of each trace of which nothing has come for `wait_s` seconds."""
        while self._open:
            quietest = next(iter(self._open))
            if at - self._open[quietest].last_at < wait_s:
                return
            yield self._close(quietest)

    def _close(self, trace: str) -> tuple[RequestOutcome, ...]:
        spans = self._open.pop(trace).spans
        self._size -= len(spans)
        outcomes = locate(spans.values())
        self._told |= dict.fromkeys((trace, outcome.span.id) for outcome in outcomes)
        while len(self._told) > REMEMBERED_MAX:
            del self._told[next(iter(self._told))]
        return outcomes
