"""What a release tells people: the words are goldens. `HEADGATE_GOLDEN=write` writes them anew."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from headgate.core.machine import events
from headgate.core.model import Audience, Channel, Role, Stage
from headgate.core.release.planning import Policies
from headgate.core.story.account import one_line, span, why
from headgate.core.story.notices import REPEAT_S, Notice, Telling
from tests.cli import stories
from tests.cli.stories import FAIL, NOON, PASS, SILENT, UNSURE, WATCH, WEB, Story, intent, version

GOLDEN = Path(__file__).parent / "golden"
ROLES = (
    Role("decider", "the release manager on call", ("ops",), "the head of shop", escalate_s=900.0),
    Role("communicator", "the support desk", ("ops",)),
)
POLICIES = Policies(audience=Audience((Channel("ops", "memory"),), (), ROLES))
OLD, NEW = version("a"), version("b")
LABELS = {OLD: "v2"}


def story(*verdicts: object, stages: tuple[Stage, ...] = (), **said: object) -> Story:
    told = {"running": {WEB: OLD}, "verdicts": verdicts or (PASS,), "policies": POLICIES} | said
    return stories.release("r7", intent(NEW, *stages, label="v3"), **told)  # type: ignore[arg-type]


def told(said: Iterable[events.AnyEvent], *, step_s: float = 1.0) -> tuple[Telling, list[Notice]]:
    """Everything that is told, as the outbox would ask for it: after every event, and at the end again."""
    stream = list(said)
    first = stream[0]
    assert isinstance(first, events.ReleaseRequested)
    telling = Telling(first, LABELS)
    notices: list[Notice] = []
    for event in stream:
        notices += telling.add(event)
        asked = telling.asks(event.at)
        if asked is not None and asked.key not in {one.key for one in notices}:
            notices.append(asked)
    return telling, notices


def shown(notices: Iterable[Notice]) -> str:
    lines: list[str] = []
    for one in notices:
        lines.append(f"[{one.moment}, {one.severity}] {one.title}")
        lines += [f"    {line}" for line in one.lines]
        lines += [f"    - {label}: {value}" for label, value in one.facts]
    return "\n".join(lines) + "\n"


def bad() -> Story:
    return story(WATCH, FAIL, reason="faster search").go()


STORIES: dict[str, Callable[[], Story]] = {
    "promoted": lambda: story(PASS).go().cool(),
    "rolled_back": bad,
    "held": lambda: story(UNSURE).go(),
    "silent": lambda: story(SILENT).go(),
    "waiting": lambda: story(PASS, stages=(Stage(weight=10, bake_s=5.0, pause="look at it"),)).go(),
    "smoke": lambda: _smoke(),  # noqa: PLW0108 - defined below
    "aborted": lambda: story(UNSURE).go().add(_abort()).go(),
}


def _smoke() -> Story:
    failing = story(PASS, stages=(Stage(weight=10, bake_s=5.0, smoke=("checkout",)),))
    failing.bad_smoke = True
    return failing.go()


def _abort() -> events.ReleaseAborted:
    return events.ReleaseAborted(at=NOON + 100_000.0, by="ada", reason="not today")


@pytest.mark.parametrize("name", list(STORIES))
def test_a_release_says_exactly_this(name: str) -> None:
    text = shown(told(STORIES[name]().said)[1])
    golden = GOLDEN / f"notices_{name}.txt"
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text("utf-8")


def test_a_rollback_says_why_in_two_numbers_and_what_it_cost() -> None:
    _, notices = told(bad().said)
    last = next(one for one in notices if one.moment == "rolled_back")
    assert last.severity == "warning"
    assert last.lines[0] == "20.0% of v3's requests failed, against 0.1% of v2's."
    assert last.lines[1].startswith("20 requests were served badly, in ")
    assert any("headgate explain r7" in line for line in last.lines)
    assert any("headgate retry r7" in line for line in last.lines)


@pytest.mark.parametrize(
    ("metric", "note", "words"),
    [
        ("error_ratio", "errors 20%", "20.0% of v3's requests failed, against 0.1% of v2's."),
        (
            "latency_p99",
            "requests over 250 ms 20%",
            "20.0% of v3's requests took over 250 ms, against 0.1% of v2's.",
        ),
        ("latency_p99", "odd", "latency_p99: 20.0% for v3, against 0.1% for v2."),
        ("orders_per_checkout", "odd", "orders_per_checkout: 20.0% for v3, against 0.1% for v2."),
    ],
)
def test_two_numbers_of_any_metric(metric: str, note: str, words: str) -> None:
    evidence = replace(FAIL.metrics[0], metric=metric, note=note)
    telling, _ = told(story(replace(FAIL, metrics=(evidence,))).go().said)
    assert why(telling.folded, {OLD: "v2", NEW: "v3"}) == words


def test_without_two_numbers_the_reason_is_told() -> None:
    evidence = replace(FAIL.metrics[0], stable=None)
    telling, _ = told(story(replace(FAIL, metrics=(evidence,))).go().said)
    assert why(telling.folded, {}) == "Canary errors 20.0% against 0.10% of stable."


def test_a_promotion_is_one_quiet_line() -> None:
    _, notices = told(story(PASS).go().said)
    last = notices[-1]
    assert (last.moment, last.severity, last.lines) == ("promoted", "info", ())


def test_every_notice_has_an_identity_of_its_own() -> None:
    for make in STORIES.values():
        keys = [one.key for one in told(make().said)[1]]
        assert len(set(keys)) == len(keys)


def held() -> Telling:
    telling, _ = told(story(UNSURE).go().said)
    assert telling.decision is not None
    return telling


def resumed(telling: Telling, at: float) -> None:
    telling.add(events.ReleaseResumed(at=at, by="ada"))


def test_a_decision_that_waits_too_long_goes_to_whoever_stands_in() -> None:
    telling = held()
    assert telling.decision is not None
    at = telling.decision.asked_at
    assert telling.escalates(at + 899.0) is None
    found = telling.escalates(at + 900.0)
    assert found is not None
    role, notice = found
    assert role.name == "decider"
    assert notice.title.endswith("is held for a person since 15 min: the head of shop decides now")
    assert notice.escalated
    resumed(telling, at + 901.0)
    assert telling.escalates(at + 5000.0) is None
    assert telling.asks(at + 5000.0) is None


def test_the_same_hold_again_is_told_only_after_a_while() -> None:
    story_ = story(UNSURE)
    telling, _ = told(story_.go().said)
    assert telling.decision is not None
    first = telling.decision
    resume = events.ReleaseResumed(at=story_.state.at + 5.0, by="ada")
    before = len(story_.facts)
    story_.add(resume).go()
    for fact in story_.facts[before:]:
        telling.add(fact.event)
    again = telling.decision
    assert again is not None
    assert again.times == 2
    assert again.tell_at == max(again.asked_at, first.tell_at + REPEAT_S)
    if again.asked_at < again.tell_at:
        assert telling.asks(again.tell_at - 0.1) is None
    asked = telling.asks(again.tell_at)
    assert asked is not None
    assert "is held for a person again (2 times now)" in asked.title


def test_a_hold_that_harms_users_is_critical_in_production_alone() -> None:
    lost = replace(UNSURE, kind="hold_external", reason="stable itself got worse")
    for production, severity in ((True, "critical"), (False, "warning")):
        policies = replace(POLICIES, production=production)
        _, notices = told(story(lost, policies=policies).go().said)
        assert next(one for one in notices if one.moment == "held").severity == severity


def test_hostile_names_stay_one_line() -> None:
    evil = "v3\n\n@everyone\x1b[31m\u202e<script>" + "x" * 900
    candidate = replace(intent(NEW), label=evil)
    hostile = stories.release(
        "r7", candidate, running={WEB: OLD}, verdicts=(FAIL,), policies=POLICIES, reason=evil, author=evil
    ).go()
    for one in told(hostile.said)[1]:
        for text in (one.title, *one.lines, *(value for _, value in one.facts)):
            assert text.isprintable()
            assert len(text) <= 501


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (0.42, "0.4 s"), (12.4, "12 s"), (900, "15 min"), (3600, "1 h"), (7500, "2 h 5 min")],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_one_line_cuts_and_flattens() -> None:
    assert one_line("a\n b\tc\x00d") == "a b c d"
    assert one_line("x" * 20, 10) == "x" * 9 + "…"
