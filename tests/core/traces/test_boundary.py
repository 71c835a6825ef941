"""Where errors begin: small traces, one for each rule; then towns of services whose faults are known."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.core.traces import Fate, Party, Span, locate
from tests.core.traces.town import Town

A, B, C = (Party(name, "1") for name in "abc")
MS = 1_000_000


def entry(name: str, party: Party, parent: str = "", *, failed: bool = False, ms: int = 10) -> Span:
    return Span("t", name, parent, party, "entry", ms * MS, ms * MS, failed)


def out(name: str, party: Party, parent: str, *, failed: bool = False, ms: int = 8, aim: str = "") -> Span:
    return Span("t", name, parent, party, "exit", ms * MS, ms * MS, failed, aim or name)


def fates(*spans: Span) -> dict[str, Fate]:
    return {outcome.span.id: outcome.fate for outcome in locate(spans)}


def test_an_error_with_nothing_below_begins_there() -> None:
    assert fates(entry("a", A, failed=True)) == {"a": "began"}


def test_an_error_from_below_is_passed_on() -> None:
    spans = (
        entry("a", A, failed=True),
        out("ab", A, "a", failed=True),
        entry("b", B, "ab", failed=True, ms=6),
        out("bc", B, "b", failed=True, ms=5),
        entry("c", C, "bc", failed=True, ms=4),
    )
    assert fates(*spans) == {"a": "passed", "b": "passed", "c": "began"}


def test_an_error_beside_a_good_call_begins_there() -> None:
    assert fates(entry("a", A, failed=True), out("ab", A, "a"), entry("b", B, "ab", ms=6)) == {
        "a": "began",
        "b": "well",
    }


def test_a_caller_that_copes_has_no_error() -> None:
    spans = (entry("a", A), out("ab", A, "a", failed=True), entry("b", B, "ab", failed=True, ms=6))
    assert fates(*spans) == {"a": "well", "b": "began"}


def test_what_a_retry_made_good_explains_nothing() -> None:
    spans = (
        entry("a", A, failed=True, ms=30),
        out("try1", A, "a", failed=True, aim="GET b/"),
        entry("b1", B, "try1", failed=True, ms=6),
        out("try2", A, "a", ms=20, aim="GET b/"),
        entry("b2", B, "try2", ms=6),
    )
    assert fates(*spans) == {"a": "began", "b1": "began", "b2": "well"}


def test_an_earlier_success_makes_nothing_good() -> None:
    spans = (
        entry("a", A, failed=True, ms=30),
        out("first", A, "a", aim="POST b/charge"),
        entry("b1", B, "first", ms=6),
        out("second", A, "a", failed=True, ms=20, aim="POST b/charge"),
        entry("b2", B, "second", failed=True, ms=6),
    )
    assert fates(*spans) == {"a": "passed", "b1": "well", "b2": "began"}


def test_another_aim_makes_nothing_good() -> None:
    spans = (
        entry("a", A, failed=True, ms=30),
        out("ab", A, "a", failed=True, aim="GET b/"),
        entry("b", B, "ab", failed=True, ms=6),
        out("ac", A, "a", ms=20, aim="GET c/"),
        entry("c", C, "ac", ms=6),
    )
    assert fates(*spans)["a"] == "passed"


def test_tries_may_be_inside_other_spans() -> None:
    inner = Span("t", "work", "a", A, "inner", 0, 0, failed=True)
    group = out("group", A, "work", failed=True, ms=9)
    spans = (
        entry("a", A, failed=True),
        inner,
        group,
        out("try", A, "group", failed=True),
        entry("b", B, "try", failed=True, ms=6),
    )
    assert fates(*spans) == {"a": "passed", "b": "began"}


def test_a_call_without_a_span_of_the_caller_counts() -> None:
    assert fates(entry("a", A, failed=True), entry("b", B, "a", failed=True, ms=6)) == {
        "a": "passed",
        "b": "began",
    }


def test_a_failed_call_that_nobody_is_known_to_have_had_stays_with_the_caller() -> None:
    assert fates(entry("a", A, failed=True), out("ab", A, "a", failed=True)) == {"a": "began"}


def test_a_caller_that_gave_up_blames_the_one_that_let_it_wait() -> None:
    spans = (
        entry("a", A, failed=True, ms=1001),
        out("ab", A, "a", failed=True, ms=1000),
        entry("b", B, "ab", ms=5000),
        out("bc", B, "b", ms=4900),
        entry("c", C, "bc", ms=4800),
    )
    assert fates(*spans) == {"a": "passed", "b": "passed", "c": "began"}


def test_slowness_of_ones_own_is_ones_own() -> None:
    spans = (
        entry("a", A, failed=True, ms=1001),
        out("ab", A, "a", failed=True, ms=1000),
        entry("b", B, "ab", ms=5000),
        out("bc", B, "b", ms=10),
        entry("c", C, "bc", ms=8),
    )
    assert fates(*spans) == {"a": "passed", "b": "began", "c": "well"}


def test_a_quick_good_answer_that_got_lost_stays_with_the_caller() -> None:
    spans = (entry("a", A, failed=True), out("ab", A, "a", failed=True), entry("b", B, "ab", ms=2))
    assert fates(*spans) == {"a": "began", "b": "well"}


def test_a_user_who_leaves_is_nobodys_error() -> None:
    spans = (entry("a", A, ms=200), out("ab", A, "a", failed=True, ms=190), entry("b", B, "ab", ms=400))
    assert fates(*spans) == {"a": "well", "b": "well"}


def test_a_slow_try_counts_although_the_next_one_worked() -> None:
    spans = (
        entry("a", A, ms=1300),
        out("try1", A, "a", failed=True, ms=1000, aim="GET b/"),
        entry("b1", B, "try1", ms=5000),
        out("try2", A, "a", ms=1200, aim="GET b/"),
        entry("b2", B, "try2", ms=100),
    )
    assert fates(*spans) == {"a": "well", "b1": "began", "b2": "well"}


def test_a_message_that_fails_later_is_not_the_senders_cause() -> None:
    sent = replace(out("send", A, "a"), waits=False)
    taken = replace(entry("b", B, "send", failed=True, ms=6), waits=False)
    assert fates(entry("a", A, failed=True), sent, taken) == {"a": "began", "b": "began"}


def test_two_layers_of_one_server_are_one_request() -> None:
    assert fates(entry("a", A, failed=True), entry("a2", A, "a", failed=True, ms=9)) == {"a": "began"}


def test_a_lost_span_in_between_hides_no_cause() -> None:
    spans = (
        entry("a", A, failed=True),
        out("ab", A, "a", failed=True),
        entry("b", B, "proxy", failed=True, ms=6),
    )
    assert fates(*spans) == {"a": "passed", "b": "began"}


def test_a_cause_lasts_no_longer_than_its_effect() -> None:
    spans = (entry("a", A, failed=True), entry("b", B, "proxy", failed=True, ms=60))
    assert fates(*spans) == {"a": "began", "b": "began"}


def test_spans_in_a_circle_end_the_walk_and_hide_no_error() -> None:
    circle = (
        entry("a", A, "b", failed=True),
        entry("b", B, "a", failed=True),
        entry("c", C, "c", failed=True),
    )
    assert Counter(fates(*circle).values())["began"] >= 1


# --- any spans whatever ---------------------------------------------------------------------------------------------

PARTIES = st.sampled_from([Party(name, version) for name in "abc" for version in "12"])
NAMES = [f"s{n}" for n in range(9)]
SPANS = st.builds(
    Span,
    trace=st.just("t"),
    id=st.sampled_from(NAMES),
    parent=st.sampled_from(["", "lost", *NAMES]),
    party=PARTIES,
    kind=st.sampled_from(["entry", "exit", "inner"]),
    ended_ns=st.integers(0, 6),
    duration_ns=st.integers(0, 6),
    failed=st.booleans(),
    aim=st.sampled_from(["x", "y", ""]),
    waits=st.booleans(),
)
TRACES = st.lists(SPANS, max_size=9, unique_by=lambda span: span.id)


@given(TRACES)
def test_an_error_begins_somewhere(spans: list[Span]) -> None:
    outcomes = locate(spans)
    failed = [outcome for outcome in outcomes if outcome.span.failed]
    assert all(outcome.fate != "well" for outcome in failed)
    assert not failed or any(outcome.fate == "began" for outcome in outcomes)


@given(TRACES, st.randoms(use_true_random=False))
def test_the_order_of_spans_and_doubles_of_them_change_nothing(
    spans: list[Span], chance: random.Random
) -> None:
    again = [*spans, *spans[:3]]
    chance.shuffle(again)
    assert {one.span.id: one.fate for one in locate(again)} == {
        one.span.id: one.fate for one in locate(spans)
    }


@given(TRACES)
def test_without_failures_nobody_is_charged(spans: list[Span]) -> None:
    well = [replace(span, failed=False) for span in spans]
    assert {outcome.fate for outcome in locate(well)} <= {"well"}


# --- towns of five services -----------------------------------------------------------------------------------------

BAD = ("payments", "cart", "stock", "pricing", "web")


def charged(town: Town) -> Counter[tuple[str, str]]:
    began: Counter[tuple[str, str]] = Counter()
    for spans in town.traces():
        for outcome in locate(spans):
            began[outcome.span.party.service, outcome.span.party.version] += outcome.fate == "began"
    return +began


@pytest.mark.parametrize("service", BAD)
@pytest.mark.parametrize("tries", [1, 3])
def test_only_the_canary_that_breaks_is_charged(service: str, tries: int) -> None:
    town = Town(
        7,
        tries=tries,
        breaks=lambda party, chance: (
            party.service == service and party.version == "new" and chance.random() < 0.5
        ),
        skew_ms=60_000,
    )
    answers = [town.visit() for _ in range(200)]
    assert charged(town) == {(service, "new"): len(town.broke)}
    assert len(town.broke) > 20
    assert service != "web" or not all(answers)


@pytest.mark.parametrize("service", ["stock", "pricing"])
@pytest.mark.parametrize("tries", [1, 2])
def test_only_the_canary_that_hangs_is_charged(service: str, tries: int) -> None:
    town = Town(
        11,
        tries=tries,
        hangs=lambda party, chance: party.service == service and party.version == "new",
        skew_ms=60_000,
    )
    for _ in range(100):
        town.visit()
    assert set(charged(town)) == {(service, "new")}


def test_proxies_that_show_no_spans_hide_no_cause() -> None:
    town = Town(
        3,
        breaks=lambda party, chance: (
            party.service == "stock" and party.version == "new" and chance.random() < 0.3
        ),
        silent_proxies=True,
    )
    for _ in range(200):
        town.visit()
    assert set(charged(town)) == {("stock", "new")}


@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from(BAD), st.sampled_from(["new", "old new"]))
def test_whatever_breaks_and_however_often_it_is_tried(
    seed: int, tries: int, service: str, versions: str
) -> None:
    town = Town(
        seed,
        tries=tries,
        breaks=lambda party, chance: (
            party.service == service and party.version in versions and chance.random() < 0.6
        ),
        skew_ms=1_000_000,
    )
    for _ in range(10):
        town.visit()
    assert sum(charged(town).values()) == len(town.broke)
    assert {name for name, _ in charged(town)} <= {service}
