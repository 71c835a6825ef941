"""How things look at 80 columns, as text: `HEADGATE_GOLDEN=write` writes down what is drawn now."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console, RenderableType

from headgate.cli.ask.status import HomeStatus, UnitStatus
from headgate.cli.render.board import bar, board, evidence_share
from headgate.cli.render.criteria import in_words, of_leg
from headgate.cli.render.history import artifacts, history
from headgate.cli.render.plan import plan
from headgate.cli.render.status import status
from headgate.cli.render.story import story
from headgate.cli.render.styles import painted
from headgate.cli.render.summary import summary
from headgate.core.machine import events
from headgate.core.machine.plan import Leg
from headgate.core.machine.steps import Prepare
from headgate.core.model import Finding, Listener, Match, ServiceChange, Stage, Unit, Version
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.summary import Move
from headgate.core.story.advice import answers, question
from headgate.core.story.explain import explain
from headgate.core.story.report import Fold, fold
from headgate.core.story.view import summarise
from headgate.ledger.lineage import Promoted
from headgate.ports import Artifact, Provenance
from tests.cli import stories
from tests.cli.stories import API, NOON, WEB, Story, intent, release, version

GOLDEN = Path(__file__).parent / "golden"
LABELS = {version("a"): "v1", version("b"): "v2"}

STORIES: dict[str, Callable[[], Story]] = {
    "baking": stories.baking,
    "held": stories.held,
    "approving": stories.approving,
    "rolled_back": stories.rolled_back,
    "promoted": stories.promoted,
    "refused": stories.refused,
    "aborted": stories.aborted,
}


def drawn(what: RenderableType, width: int = 80) -> str:
    console = Console(
        file=io.StringIO(), width=width, color_system=None, highlight=False, emoji=False, markup=False
    )
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def lines(found: Iterable[str]) -> str:
    return "".join(f"{line.rstrip()}\n" for line in found)


def compare(name: str, text: str) -> None:
    place = GOLDEN / f"{name}.txt"
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    assert text == place.read_text(), f"{name} looks different now"


def folded(story: Story) -> Fold:
    return fold(story.said)


@pytest.mark.parametrize("name", STORIES)
def test_board(name: str) -> None:
    told = STORIES[name]()
    compare(f"board_{name}", drawn(board(folded(told), told.state.at + 0.5, ("a note",), LABELS)))


@pytest.mark.parametrize("name", STORIES)
def test_summary(name: str) -> None:
    compare(f"summary_{name}", drawn(summary(folded(STORIES[name]()), LABELS)))


@pytest.mark.parametrize("name", ["rolled_back", "promoted", "refused"])
def test_story(name: str) -> None:
    told = STORIES[name]()
    compare(f"story_{name}", drawn(story(folded(told), explain(told.said), LABELS)))


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_wider_than_the_terminal(name: str, width: int) -> None:
    told = STORIES[name]()
    folded_story = folded(told)
    for part in (
        board(folded_story, told.state.at, (), LABELS),
        summary(folded_story, LABELS),
        story(folded_story, explain(told.said), LABELS),
    ):
        assert max(map(len, drawn(part, width).splitlines())) <= width


def of_two_services() -> Story:
    api = intent(version("d", API), label="v3")
    web = intent(
        version("d"), Stage(weight=10, bake_s=5.0), Stage(matches=(Match("header", "x-in", "1"),)), label="v3"
    )
    return release("r4", api, web, running={WEB: version("b")}, verdicts=(stories.WATCH,)).go(observe=2)


def test_two_services_have_a_line_of_steps_each() -> None:
    told = of_two_services()
    compare("board_two_services", drawn(board(folded(told), told.state.at, (), LABELS)))


def test_plan() -> None:
    told = of_two_services()
    findings = (
        Finding("one release at a time", "fail", "r2 is moving it", "wait for it"),
        Finding("gradual exposure", "warn", "all at once"),
    )
    compare("plan", drawn(plan(told.request.plan, told.request.intents, findings, LABELS)))


def test_a_fresh_baseline_is_told_with_what_it_takes() -> None:
    wish = intent(version("d"), label="v3")
    rollout = replace(wish.rollout, fresh_baseline=True)
    told = release(
        "r4", replace(wish, rollout=rollout), running={WEB: version("b")}, verdicts=(stories.WATCH,)
    )
    shown = drawn(plan(told.request.plan, told.request.intents, (), LABELS), 200)
    assert "2 more instances of the old version run beside it until the release has ended" in shown
    assert "judged against those" in shown
    told.go(observe=2)
    live = drawn(board(folded(told), told.state.at, (), LABELS), 120)
    assert "10% of the traffic, a fresh baseline 10%" in live


def unit_status(unit: Unit, moving: Fold | None = None, stable: Version | None = None) -> UnitStatus:
    warm = (version("a"),) if stable else ()
    before = Promoted("r1", Move(unit, None, version("b"), label="v1")) if stable else None
    return UnitStatus(unit, stable, "v2", "r2", NOON, "bob", warm, moving, ("r9",) if moving else (), before)


def test_status() -> None:
    moving = folded(stories.baking())
    held = folded(stories.approving(name="r5"))
    staging = Unit("shop", "staging", "web")
    seen = HomeStatus(
        "/srv/shop/.headgate",
        812,
        {"r3": "the disk is full"},
        (
            unit_status(API),
            unit_status(WEB, moving, version("b")),
            unit_status(staging, held, version("b", staging)),
        ),
    )
    compare("status", lines(status(seen, NOON + 7300, 80)))


def test_status_in_colour_and_in_any_width() -> None:
    seen = HomeStatus("/srv", 0, {}, (unit_status(WEB, folded(stories.held()), version("b")),))
    found = list(status(seen, NOON + 7300, 44, painted))
    assert any("\x1b[1;33m" in line for line in found)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in found]
    assert plain == [line.rstrip() for line in status(seen, NOON + 7300, 44)]
    assert max(map(len, plain)) <= 44


@pytest.mark.parametrize("moving", [True, False])
def test_status_without_a_controller(moving: bool) -> None:  # noqa: FBT001 - a parameter of the test
    seen = HomeStatus(
        "/srv", 0, {}, (unit_status(WEB, folded(stories.baking()) if moving else None, version("b")),)
    )
    text = lines(status(seen, NOON + 7300, 80))
    assert ("nobody watches" in text) is moving
    assert ("headgate rollback -e production web" in text) is not moving


def test_history() -> None:
    told = [stories.first(), stories.promoted(), *(make() for make in STORIES.values())]
    rows = [summarise(one.state, one.facts[-1].plan, one.request) for one in reversed(told)]
    compare("history", drawn(history(rows)))


def test_artifacts() -> None:
    origin = Provenance(NOON, "ann@host", commit="c0ffee" * 6, dirty=True, label="v2")
    found = [
        Artifact("b" * 64, 5_400_000, 12, origin),
        Artifact("a" * 64, 512, 1, Provenance(NOON - 60, "ann@host")),
    ]
    compare("artifacts", drawn(artifacts(found, {"b" * 64: ["production/web"]})))


def test_criteria_in_words() -> None:
    spec = JudgeSpec(
        (
            ErrorRatio(max=0.01),
            Latency(0.99, 500.0, 1.5),
            Latency(0.999, 2000.0, None),
            MeanCriterion("orders", limit=0.9),
            MeanCriterion("refunds", higher_is_better=False),
        )
    )
    compare("criteria", "".join(f"{line}\n" for line in in_words(spec)))
    assert "errors are not judged" in in_words(JudgeSpec((Latency(),)))


def test_a_plan_is_told_that_its_instances_are_too_few() -> None:
    change = ServiceChange(WEB, version("b"), version("a"), Listener(8080), 4)
    leg = Leg(change, (Prepare(2), Prepare(4)), JudgeSpec(exchangeable=True))
    assert of_leg(leg)[:-1] == in_words(leg.judge)
    assert of_leg(leg)[-1].startswith("2 of 6 instances: one interval proves at most 1 in 15")
    assert of_leg(replace(leg, judge=JudgeSpec())) == in_words(JudgeSpec())


HOLDS = {
    "it waits": (stories.approving, "approve"),
    "it is held": (stories.held, "resume"),
    "nothing is asked": (stories.baking, ""),
}


@pytest.mark.parametrize("name", HOLDS)
def test_what_a_person_is_asked(name: str) -> None:
    make, command = HOLDS[name]
    told = folded(make())
    assert bool(question(told)) is bool(command)
    assert (f"headgate {command} r3" in [line for _, line in answers(told)]) is bool(command)


def test_a_pause_is_answered_by_resume() -> None:
    told = stories.baking()
    told.add(events.ReleasePaused(at=told.state.at, by="ann"))
    assert question(folded(told)) == "It is paused by a person."
    assert [line for _, line in answers(folded(told))] == ["headgate resume r3", "headgate abort r3"]


def test_bars() -> None:
    assert (bar(0, 4), bar(0.01, 4), bar(0.5, 4), bar(2, 4)) == ("░░░░", "█░░░", "██░░", "████")
    assert (evidence_share(1, 100), evidence_share(10, 100), evidence_share(1e9, 100)) == (0, 0.5, 1)
    assert (evidence_share(float("inf"), 100), evidence_share(float("nan"), 100)) == (1, 0)
