"""The live view of a release: where it is, who gets what, what was seen, how the evidence grows."""

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from headgate.cli.render import words
from headgate.cli.render.layout import Flow
from headgate.cli.render.styles import KIND_STYLES, PHASE_STYLES
from headgate.cli.render.words import NO_LABELS, Labels
from headgate.core.machine.plan import Leg
from headgate.core.machine.steps import step_name
from headgate.core.model import Verdict
from headgate.core.release.adjusting import adjustments
from headgate.core.story.advice import answers, question
from headgate.core.story.view import phase, progress, remaining_s, weight

if TYPE_CHECKING:
    from headgate.core.story.explain import Sentence
    from headgate.core.story.report import Fold
import math

_MARKS = {"done": ("✓", "green"), "now": ("●", "bold cyan"), "next": ("○", "dim")}
_UNDONE = {"undone": ("↩", "yellow"), "never": ("·", "dim")}
_BAR = 30


def board(
    fold: "Fold", now: float, notes: tuple[str, ...] = (), labels: Labels = NO_LABELS
) -> RenderableType:
    """The whole view at the time `now` (seconds since the epoch)."""
    parts: list[RenderableType] = [Rule(style="dim"), header(fold, now, labels), *steps(fold)]
    if fold.state.stage in ("forward", "reverting"):
        parts += [weights(fold), *arms(fold)]
        verdict = fold.state.here().verdict
        if verdict is not None:
            parts += evidence(verdict)
    parts += [Text(note, style="bold yellow") for note in notes if note]
    parts.append(footer(fold, now))
    return Group(*parts)


def line(sentence: "Sentence") -> RenderableType:
    """What has just happened, and when."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(f"{sentence.after_s:+8.1f}s", sentence.text)
    return table


def header(fold: "Fold", now: float, labels: Labels = NO_LABELS) -> RenderableType:
    """Which release this is, and how it stands."""
    name = phase(fold.state, fold.plan)
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(ratio=1)
    line.add_column(justify="right", no_wrap=True)
    passed = words.span(max(0.0, (fold.state.ended_at or now) - fold.request.at))
    what = Text.assemble((fold.request.release, "bold"), "  ", (title(fold, labels), ""))
    line.add_row(what, Text.assemble((name, PHASE_STYLES.get(name, "bold cyan")), f" · {passed}"))
    return line


def title(fold: "Fold", labels: Labels = NO_LABELS) -> str:
    """`shop/production/web  v1 → v2`."""
    units = [leg.unit for leg in fold.plan.legs]
    if len(units) > 1:
        return words.place(units)
    leg = fold.plan.legs[0]
    if leg.change.adjusts:
        return (
            f"{leg.unit}  {words.name(leg.change.candidate, label(fold, leg))}, {', '.join(adjustments(leg))}"
        )
    before = (
        words.name(leg.change.baseline, labels.get(leg.change.baseline, ""))
        if leg.change.baseline
        else "nothing"
    )
    return f"{leg.unit}  {before} → {words.name(leg.change.candidate, label(fold, leg))}"


def label(fold: "Fold", leg: Leg) -> str:
    """What the person who asked for it calls the new version."""
    return next((intent.label for intent in fold.request.intents if intent.unit == leg.unit), "")


def steps(fold: "Fold") -> list[RenderableType]:
    """The plan, a line or more for each leg, with the present step."""
    if fold.state.outcome == "refused":
        return []
    lines: list[RenderableType] = []
    for index, leg in enumerate(fold.plan.legs):
        chunks = [Text(f"{leg.unit.service}:")] if len(fold.plan.legs) > 1 else []
        for step, state in progress(fold.state, leg, index):
            mark, style = (_MARKS | _UNDONE)[state]
            chunks.append(Text(f"{mark} {step_name(step)}", style=style))
        lines.append(Flow(chunks))
    return lines


def weights(fold: "Fold") -> RenderableType:
    """Who gets how much of the traffic."""
    share = weight(fold.state.here())
    line = Text("canary    ")
    line.append(bar(share / 100, _BAR), "cyan")
    line.append(f" {share}% of the traffic")
    routing = fold.state.here().routing
    if routing is not None and routing.fresh_weight:
        line.append(f", a fresh baseline {routing.fresh_weight}%")
    if routing is not None and routing.matches:
        line.append(", and " + ", ".join(f"{match.kind} {match.name}" for match in routing.matches))
    if routing is not None and routing.mirror:
        line.append(f", copies of {routing.mirror}%")
    return line


def arms(fold: "Fold") -> list[RenderableType]:
    """What each arm answered: under this exposure, and in the last interval."""
    if not fold.steps:
        return []
    seen, last = fold.steps[-1], fold.last
    interval_s = fold.plan.legs[fold.state.leg].judge.interval_s
    table = Table.grid(padding=(0, 2))
    heads = ("requests", "errors", "error ratio", "now", "errors now")
    table.add_column(no_wrap=True)
    for _ in heads:
        table.add_column(justify="right", no_wrap=True)
    table.add_row("", *(Text(head, style="dim") for head in heads))
    for index, arm in ((0, "stable"), (1, "canary")):
        requests, errors = seen.requests[index], seen.errors[index]
        rate = f"{last.requests[index] / interval_s:,.0f}/s" if last else "-"
        recent = f"{last.errors[index] / interval_s:,.0f}/s" if last else "-"
        style = "red" if arm == "canary" and errors else ""
        table.add_row(
            arm,
            words.count(requests),
            Text(words.count(errors), style=style),
            words.percent(errors, requests),
            rate,
            recent,
        )
    return [table]


def evidence(verdict: Verdict) -> list[RenderableType]:
    """How sure we are that the canary is worse, against how sure we must be; and the judge's sentence."""
    style = KIND_STYLES[verdict.kind]
    line = Text("evidence  ")
    line.append(bar(evidence_share(verdict.evidence, verdict.needed), _BAR), style)
    line.append(f" {words.odds(verdict.evidence)} of {words.odds(verdict.needed)} to 1 that it is worse")
    return [line, Text.assemble("verdict   ", (verdict.kind.replace("_", " "), style), f": {verdict.reason}")]


def footer(fold: "Fold", now: float) -> RenderableType:
    """What is left, and what can be done."""
    asked = question(fold)
    if asked:
        lines = [Text(asked, style="bold yellow")]
        return Group(*lines, *(Text(f"  {what}: {command}") for what, command in answers(fold)))
    if fold.state.ended_at is not None:
        return Text(fold.state.reason, style="dim")
    release = fold.request.release
    left = remaining_s(fold.state, fold.plan, now)
    hint = f"headgate pause {release} · headgate abort {release} · Ctrl-C to leave"
    if fold.state.stage == "reverting":
        hint = fold.state.reason
    return Text(f"at least {words.span(left)} left · {hint}" if left else hint, style="dim")


# Bars of text.

_FULL = "█"
_EMPTY = "░"


def bar(share: float, width: int) -> str:
    """A bar of `width` characters, filled to `share` (0..1); whatever is more than nothing shows at least one."""
    filled = round(min(1.0, max(0.0, share)) * width)
    if share > 0:
        filled = max(1, filled)
    return _FULL * filled + _EMPTY * (width - filled)


def evidence_share(evidence: float, needed: float) -> float:
    """How far evidence has grown to what is needed, on a log scale: each doubling is as long as the last."""
    if evidence <= 1 or needed <= 1 or math.isnan(evidence):
        return 0.0
    if math.isinf(evidence):
        return 1.0
    return min(1.0, math.log(evidence) / math.log(needed))
