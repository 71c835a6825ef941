"""Traces are complete when nothing more comes of them, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.model import Counts
from headgate.core.traces import Party, RequestOutcome, Span
from headgate.plugins.vendors.otlp import book as module
from headgate.plugins.vendors.otlp.book import TRACE_AGE_MAX_S, Book
from headgate.plugins.vendors.otlp.spread import Buckets
from headgate.plugins.vendors.otlp.streams import INSTANCES_MAX, LAYOUTS_MAX, OTHERS, Tally

WEB = Party("web", "1", "production", "one")


def span(trace: str, name: str, parent: str = "") -> Span:
    return Span(trace, name, parent, WEB, "entry", 10, 10, failed=False)


def names(traces: list[tuple[RequestOutcome, ...]]) -> list[str]:
    return [outcome.span.id for outcomes in traces for outcome in outcomes]


def test_a_trace_is_over_when_it_is_quiet() -> None:
    book = Book()
    assert not [*book.add(span("t", "a"), 0.0), *book.add(span("t", "b", "lost"), 4.0), *book.over(8.0, 5.0)]
    assert sorted(names([*book.over(9.0, 5.0)])) == ["a", "b"]
    assert not [*book.over(99.0, 5.0)]


def test_a_request_is_told_once() -> None:
    book = Book()
    told = [*book.add(span("t", "a"), 0.0), *book.add(span("t", "a"), 0.0), *book.over(5.0, 5.0)]
    told += [*book.add(span("t", "a"), 6.0), *book.over(20.0, 5.0)]
    assert names(told) == ["a"]


def test_a_trace_that_never_rests_is_over_by_age_and_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRACE_SPANS_MAX", 3)
    book = Book()
    told = [outcomes for name in "abcd" for outcomes in book.add(span("t", name), 0.0)]
    assert names(told) == ["a", "b", "c"]
    assert names([*book.add(span("t", "e"), TRACE_AGE_MAX_S + 1)]) == ["d", "e"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), max_size=60))
def test_every_span_is_told_once_and_few_are_kept(arrivals: list[tuple[int, int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SPANS_MAX", 7)
        book, now = Book(), 0.0
        told: list[tuple[RequestOutcome, ...]] = []
        for trace, name, wait_s in arrivals:
            now += wait_s
            told += [*book.over(now, 2.0), *book.add(span(str(trace), str(name)), now)]
            assert book._size == sum(len(one.spans) for one in book._open.values()) <= 7
        told += book.over(now + 2.0, 2.0)
    seen = sorted((outcome.span.trace, outcome.span.id) for outcomes in told for outcome in outcomes)
    assert seen == sorted({(str(trace), str(name)) for trace, name, _ in arrivals})


def test_a_tally_is_bounded_and_its_instances_add_up() -> None:
    tally = Tally()
    for n in range(INSTANCES_MAX + 10):
        tally.add(f"i{n}", Counts(2, 1))
    arm = tally.arm()
    assert (arm.requests, arm.errors) == (2 * (INSTANCES_MAX + 10), INSTANCES_MAX + 10)
    assert len(arm.instances) == INSTANCES_MAX + 1
    assert arm.instances[OTHERS] == Counts(20, 10)
    assert arm.latency_ms is None


def test_latencies_with_other_bounds_meet_where_they_agree() -> None:
    tally = Tally()
    tally.add("one", Counts(6, 0), Buckets((1.0, 5.0, 10.0), (1, 2, 3)))
    tally.add("one", Counts(9, 0), Buckets((5.0, 7.0, 10.0, 20.0), (4, 3, 1, 1)))
    latency = tally.arm().latency_ms
    assert latency is not None
    assert (latency.le, latency.count) == ((5.0, 10.0), (7, 14))
    for n in range(LAYOUTS_MAX):
        tally.add("one", Counts(1, 0), Buckets((5.0, 100.0 + n), (1, 0)))
    assert tally.arm().latency_ms is None  # there are requests whose latency nobody knows
