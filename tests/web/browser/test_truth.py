"""A whole release watched without touching the page: what it shows is what the API says, within two seconds.

Every state that the ledger ever has is answered for at once, in the process that writes it; what the browser shows is
read all along, and each thing on it must have been the API's answer at some moment of the last two seconds.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context
from typing import Any

import pytest
from playwright.sync_api import Browser

from headgate.core.machine.events import AnyEvent
from headgate.core.model import Sample, Stage
from headgate.core.model.summary import Summary
from headgate.ledger import Entry, MemoryLedger
from headgate.web.api.folds import Folds
from headgate.web.api.reading import Explanation, Reading, Release
from headgate.web.api.series import LegColumns, Series
from headgate.web.http.endpoint import Call
from headgate.web.http.who import owner
from headgate.web.pages.shown import labels, told
from headgate.web.pages.words import NOTHING, between, duration, odds, outcome, own_verdict, weighed
from tests.web.browser.dashboard import Dashboard
from tests.web.browser.visit import Visit, visiting
from tests.web.shop import version, wish

pytestmark = pytest.mark.xdist_group("browser")

BEHIND_S = 2.0
LOOK_S = 0.15
WITHIN_S = 60.0
SAMPLES_MIN = 20
STEPS = (Stage(weight=20, bake_s=3.0), Stage(weight=50, bake_s=600.0))

Facts = dict[str, Any]

SHOWN = """() => {
  const text = (element) => element ? element.innerText.replace(/\\s+/g, " ").trim() : null;
  const all = (selector) => [...document.querySelectorAll(selector)].map(text);
  const facts = [...document.querySelectorAll(".facts div")];
  const fact = (name) => text(facts.find((one) => text(one.firstElementChild) === name)?.lastElementChild);
  const charts = [...document.querySelectorAll(".chart")];
  const keys = (chart) => [...chart.querySelectorAll(".key span")].map(text);
  const legend = Object.fromEntries(charts.map((one) => [text(one.querySelector("b")), keys(one)]));
  return {
    title: document.title,
    phase: text(document.querySelector("#state .pill")),
    share: text(document.querySelector(".share")),
    bad: fact("bad requests served"),
    left: fact("at least left"),
    found: fact("found after"),
    verdict: text(document.querySelector("#legs .verdict")),
    metrics: all(".metrics tbody tr:not(.together)").sort(),
    steps: [...document.querySelectorAll(".steps li")].map((one) => [one.className, text(one)]),
    story: all("#story li span:last-child"),
    failed: legend["Failed requests"]?.slice(0, 2) ?? null,
    evidence: legend["Evidence against the new version"]?.[0] ?? null,
    traffic: legend["Traffic on the new version"]?.[0] ?? null,
    p99: legend["Latency p99"] ?? null,
  };
}"""
CARD = """() => {
  const card = document.querySelector("#moving .card"), text = (selector) => card.querySelector(selector).innerText;
  return card && { share: text(".n"), phase: text(".pill"), what: text("strong") };
}"""


def squeezed(text: str) -> str:
    return " ".join(text.split())


def digits(value: float) -> str:
    """Three digits, as the charts have them: a half is rounded up."""
    found = Context(prec=3, rounding=ROUND_HALF_UP).create_decimal_from_float(value)
    return f"{found:f}".rstrip("0").rstrip(".") if "." in f"{found:f}" else f"{found:f}"


def last(column: list[float | None]) -> float | None:
    return next((value for value in reversed(column) if value is not None), None)


def said(value: float | None, show: Callable[[float], str]) -> str:
    return NOTHING if value is None else show(value)


@dataclass
class Answers:
    """What the API answers, state by state, each from the moment on in which the ledger had it."""

    ledger: MemoryLedger
    release: str = ""
    known: list[tuple[float, Facts]] = field(default_factory=list[tuple[float, Facts]])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._reading = Reading(self.ledger, Folds(self.ledger))
        self._endpoints = {one.name: one for one in self._reading.endpoints()}

    def ask(self, name: str) -> Any:  # noqa: ANN401 - the endpoint's answer
        """What the API answers now; nothing in it waits for anybody."""
        asked = self._endpoints[name].handler(Call(owner(), {"release": self.release}))
        try:
            asked.send(None)  # type: ignore[attr-defined]
        except StopIteration as answered:
            return answered.value.content
        raise AssertionError(f"{name} waits for something")

    def take(self) -> None:
        """One more state."""
        found: Release = self.ask("getRelease")
        story: Explanation = self.ask("explainRelease")
        series: Series = self.ask("getSeries")
        facts = {
            **page_facts(found, story, labels(self.ledger, found.summary)),
            **chart_facts(series.legs[0]),
        }
        with self.lock:
            self.known.append((time.monotonic(), facts))

    def within(self, began: float, ended: float, name: str) -> list[Any]:
        """Everything that `name` was between two moments."""
        with self.lock:
            before = [facts for at, facts in self.known if at <= began][-1:]
            return [facts[name] for facts in (*before, *(f for at, f in self.known if began < at <= ended))]


def page_facts(found: Release, story: Explanation, called: dict[Any, str]) -> Facts:
    summary, report, leg = found.summary, found.report, found.legs[0]
    verdict = leg.verdict
    return {
        "title": f"{summary.release} {summary.phase} · Headgate",
        "phase": outcome(summary.outcome) if summary.outcome else summary.phase,
        "share": f"{leg.weight}%",
        "bad": str(report.bad_requests_served),
        "left": duration(found.remaining_s) if found.remaining_s and not found.waits_for else None,
        "found": None if report.detected_after_s is None else duration(report.detected_after_s),
        "verdict": verdict
        and squeezed(
            f"{verdict.kind.replace('_', ' ')}: {verdict.reason} ({weighed(verdict.evidence, verdict.needed)})"
        ),
        "metrics": sorted(
            squeezed(f"{m.metric} {own_verdict(m)} {m.note} {odds(m.e_value)} {between(m)}")
            for m in (verdict.metrics if verdict else ())
        ),
        "steps": [[step.state, step.name] for step in leg.steps],
        "story": [squeezed(told(one.text, called)) for one in story.sentences],
    }


def chart_facts(leg: LegColumns) -> Facts:
    measured = bool(leg.at)
    share = leg.share if not leg.at or leg.share_at >= leg.at[-1] else leg.weight[-1]
    failed = (last(leg.stable.error_ratio), last(leg.canary.error_ratio))
    slow = (last(leg.stable.p99_ms), last(leg.canary.p99_ms))
    evidence = last(leg.evidence)
    return {
        "failed": [
            f"{name} {said(value, lambda v: f'{digits(v * 100)}%')}"
            for name, value in zip(("stable", "new"), failed, strict=True)
        ]
        if failed != (None, None)
        else None,
        "p99": [
            f"{name} {said(value, lambda v: f'{digits(v)} ms')}"
            for name, value in zip(("stable", "new"), slow, strict=True)
        ]
        if slow != (None, None)
        else None,
        "evidence": None if evidence is None else f"evidence {odds(evidence)}",
        "traffic": f"set {share}%" if measured else None,
    }


class Watched(MemoryLedger):
    """A ledger whose every new state of one release is answered for at once."""

    answers: Answers | None = None

    async def append(
        self, release: str, expected: int, event: AnyEvent, summary: Summary, sample: Sample | None = None
    ) -> Entry:
        """See Ledger."""
        entry = await super().append(release, expected, event, summary, sample)
        if self.answers is not None and release == self.answers.release:
            self.answers.take()
        return entry


def compare(answers: Answers, seen: list[tuple[float, float, Facts]]) -> list[str]:
    """What was shown that was not so. A machine that took long to look gives the page as much longer."""
    wrong = list[str]()
    for began, ended, facts in seen:
        for name, value in facts.items():
            possible = answers.within(began - BEHIND_S - 3 * (ended - began), ended, name)
            if value not in possible:
                wrong.append(f"{name}: {value!r} was none of {possible[-3:]!r}")
    return wrong


def look(visit: Visit, script: str, seen: list[tuple[float, float, Facts]]) -> None:
    began = time.monotonic()
    facts = visit.page.evaluate(script)
    if facts is not None:
        seen.append((began, time.monotonic(), facts))


def test_all_along_a_release_every_number_on_the_page_is_the_apis(
    browser: Browser, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = dashboard.home.ledger
    assert isinstance(ledger, MemoryLedger)
    answers = Answers(ledger, "r5")
    monkeypatch.setattr(ledger, "__class__", Watched)
    monkeypatch.setattr(ledger, "answers", answers, raising=False)
    shown, cards = list[tuple[float, float, Facts]](), list[tuple[float, float, Facts]]()
    with visiting(browser, dashboard) as first, visiting(browser, dashboard) as second:
        release = dashboard.submit(wish("e", "v5", stages=STEPS))
        assert release == answers.release
        second.to(f"/releases/{release}")

        def watch_until(fact: Callable[[], bool], more_s: float = 0.0) -> None:
            over, too_late = None, time.monotonic() + WITHIN_S
            while over is None or time.monotonic() < over:
                assert time.monotonic() < too_late
                look(second, SHOWN, shown)
                look(first, CARD, cards)
                time.sleep(LOOK_S)
                if over is None and fact():
                    over = time.monotonic() + more_s

        watch_until(lambda: ("now", "bake 600 s") in now_of(answers), 2.0)
        dashboard.home.house.failing[version("e")] = 0.12
        watch_until(lambda: dashboard.home.phase(release) == "rolled back", BEHIND_S + 1.0)
    in_time = [one for one in shown if one[0] > answers.known[0][0] + BEHIND_S]
    assert len(in_time) > SAMPLES_MIN
    assert compare(answers, in_time) == []
    assert len({facts["bad"] for _, _, facts in in_time}) > 3
    assert len({facts["evidence"] for _, _, facts in in_time}) > 2
    assert {"20%", "50%", "0%"} <= {facts["share"] for _, _, facts in in_time}
    named = [(began, ended, {k: v for k, v in facts.items() if k != "what"}) for began, ended, facts in cards]
    assert len(named) > SAMPLES_MIN
    assert compare(answers, named) == []
    assert {facts["what"] for _, _, facts in cards} == {"web: v2 → v5"}


def now_of(answers: Answers) -> list[tuple[str, str]]:
    return [(state, name) for state, name in answers.known[-1][1]["steps"]] if answers.known else []
