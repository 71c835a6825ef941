"""The plan of a deploy, step by step."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.cli.render import criteria, words
from headgate.cli.render.layout import indented
from headgate.cli.render.words import NO_LABELS, Labels
from headgate.core.machine.one_way import forecast
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.steps import Bake, Learn, Step, kind_of, step_name
from headgate.core.model import HOST, Finding, Intent
from headgate.core.release.adjusting import adjustments
from headgate.core.story.view import least_s

_ANSWERS = {
    "fail": ("refused", "bold red"),
    "unknown": ("unknown", "bold yellow"),
    "warn": ("warning", "yellow"),
}


def plan(
    drawn: Plan, intents: Sequence[Intent], findings: Sequence[Finding], labels: Labels = NO_LABELS
) -> RenderableType:
    """Every leg with its way, its steps and its criteria; then what would stand in its way."""
    known = {**labels, **{intent.candidate: intent.label for intent in intents}}
    parts: list[RenderableType] = [_leg(leg, known) for leg in drawn.legs]
    least = sum(least_s(step) for leg in drawn.legs for step in leg.steps)
    parts.append(Text(f"\nIt takes {words.span(least)} at the least." if least else "\nIt goes at once."))
    if drawn.gates:
        parts.append(Text(f"Asked first: {', '.join(drawn.gates)}."))
    parts += [_finding(finding) for finding in findings]
    return Group(*parts)


def _leg(leg: Leg, labels: Labels) -> RenderableType:
    before = (
        words.name(leg.change.baseline, labels.get(leg.change.baseline, ""))
        if leg.change.baseline
        else "nothing (its first release)"
    )
    label = labels.get(leg.change.candidate, "")
    way = f"  {before} → " if not leg.change.adjusts else "  stays "
    head = Text.assemble((str(leg.unit), "bold"), way, (words.version(leg.change.candidate, label), "bold"))
    around = adjustments(leg)
    if around:
        head.append(f"; {', '.join(around)}")
    if leg.platform != HOST:
        head.append(f", on the platform {leg.platform}")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for number, step in enumerate(leg.steps, start=1):
        table.add_row(f"{number}.", _step(step))
    parts: list[RenderableType] = [head, indented(table)]
    if leg.takes_over:
        parts.append(indented(Text(f"{leg.takes_over} is frozen there; this takes its traffic over")))
    if said := forecast(leg):
        parts.append(indented(Text(said, "yellow")))
    if leg.change.baseline is not None and any(isinstance(step, Bake) for step in leg.steps):
        parts += [indented(Text(line, style="dim")) for line in _judged(leg)]
        parts += [indented(Text(f"- {line}"), 4) for line in criteria.of_leg(leg)]
    return Group(*parts)


def _judged(leg: Leg) -> Iterator[str]:
    """What it is compared with, and what that takes."""
    if leg.change.fresh is None and any(isinstance(step, Learn) for step in leg.steps):
        yield "judged against what the old version did before the switch; no step divides the traffic:"
        return
    if leg.change.fresh is None:
        yield "judged against the old version, over the same seconds:"
        return
    more = words.count(leg.change.instances, "more instance")
    yield f"{more} of the old version run beside it until the release has ended, with as much traffic"
    yield "judged against those, over the same seconds:"


def _step(step: Step) -> Text:
    line = Text(step_name(step))
    limit = kind_of(step).limit(step)
    if limit is not None:
        line.append(f"; {limit.clause.format(words.span(limit.seconds))}", "dim")
    return line


def _finding(finding: Finding) -> RenderableType:
    word, style = _ANSWERS.get(finding.answer, ("fine", "green"))
    line = Text.assemble((f"{word}: ", style), finding.evidence)
    return Group(line, Text(f"  {finding.hint}")) if finding.hint else line
