"""The summary of a release that ended: the outcome, why, what it cost, and what to do now."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.cli.render import words
from headgate.cli.render.board import label, title
from headgate.cli.render.layout import indented
from headgate.cli.render.styles import KIND_STYLES
from headgate.cli.render.words import NO_LABELS, Labels
from headgate.core.story.advice import afterwards, answers, question
from headgate.core.story.report import Fold, Report, StepReport

OUTCOMES = {
    "promoted": ("promoted", "bold green"),
    "rolled_back": ("rolled back", "bold red"),
    "refused": ("refused", "bold yellow"),
    "aborted": ("aborted", "bold yellow"),
    "held": ("held for a person", "bold yellow"),
    "under_way": ("under way", "bold cyan"),
}


def summary(fold: Fold, labels: Labels = NO_LABELS, *, undoable: bool = True) -> RenderableType:
    """A release from its request to its end, or to now; `undoable`: there is a way back from what it promoted."""
    report = fold.report()
    parts: list[RenderableType] = [headline(fold, report, labels), _facts(fold, report)]
    if report.steps:
        parts += [Text(), indented(steps_table(report))]
    parts += _advice(fold, report, undoable=undoable)
    return Group(*parts)


def headline(fold: Fold, report: Report, labels: Labels = NO_LABELS) -> Text:
    """The outcome, and what it means for users."""
    word, style = OUTCOMES[report.outcome]
    line = Text.assemble((f"{report.release} ", "bold"), (word, style), f"  {title(fold, labels)}")
    if report.outcome == "refused":
        line.append("\n  nothing was changed")
    elif report.outcome in ("rolled_back", "aborted"):
        line.append("\n  users are on ")
        kept = [leg.change.baseline for leg in fold.plan.legs]
        names = [words.name(version, labels.get(version, "")) if version else "nothing" for version in kept]
        line.append(", ".join(names), "bold")
        line.append(", as before")
    elif report.outcome == "promoted":
        line.append("\n  all users are on ")
        names = [words.version(leg.change.candidate, label(fold, leg)) for leg in fold.plan.legs]
        line.append(", ".join(names), "bold")
    return line


def _facts(fold: Fold, report: Report) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(fold, report):
        table.add_row(name, value)
    return indented(table)


def _rows(fold: Fold, report: Report) -> list[tuple[str, str]]:
    rows = [("why", report.reason)] if report.reason else []
    last = fold.last
    if last is not None and last.verdict.kind in ("fail", "hold_external", "inconclusive"):
        rows.append(("evidence", f"{words.odds(last.verdict.evidence)} to 1 that it is worse"))
    if report.bad_requests_served or report.outcome == "rolled_back":
        rows.append(("bad requests served", words.count(report.bad_requests_served)))
    if report.detected_after_s is not None:
        rows.append(("detected after", words.span(report.detected_after_s)))
    if report.restored_after_s is not None:
        rows.append(("restored after", words.span(report.restored_after_s)))
    if fold.state.ended_at is not None and report.outcome != "refused":
        rows.append(("took", words.span(report.took_s)))
    rows += [("warning", warning) for warning in report.warnings]
    return rows


def _advice(fold: Fold, report: Report, *, undoable: bool) -> list[RenderableType]:
    if report.outcome in ("held", "under_way"):
        asked, commands = question(fold), answers(fold)
        lines = [Text(f"\n{asked}", style="bold yellow")] if asked else [Text()]
    else:
        lines = [Text(f"\n  {hint}") for hint in report.hints] or [Text()]
        commands = afterwards(fold, undoable=undoable)
    if not commands:
        return list(lines)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold", style="bold")
    for what, line in commands:
        table.add_row(what, line)
    return [*lines, indented(table)]


# What was seen under each change of traffic, as a table.


def steps_table(report: Report) -> Table:
    """One row for each change of traffic: verdict, requests and errors of both arms, time."""
    several = len({step.service for step in report.steps}) > 1
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("step", no_wrap=False, overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("stable", justify="right", no_wrap=True)
    table.add_column("errors", justify="right", no_wrap=True)
    table.add_column("canary", justify="right", no_wrap=True)
    table.add_column("errors", justify="right", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    for step in report.steps:
        table.add_row(*_row(step, several=several))
    return table


def _row(step: StepReport, *, several: bool) -> tuple[str | Text, ...]:
    kind = step.verdict
    verdict = Text(kind.replace("_", " "), style=KIND_STYLES[kind]) if kind else Text("-")
    return (
        f"{step.service}: {step.name}" if several else step.name,
        verdict,
        words.count(step.requests[0]),
        words.count(step.errors[0]),
        words.count(step.requests[1]),
        words.count(step.errors[1]),
        words.span(step.took_s),
    )
