"""What was seen under each change of traffic, as a table."""

from rich.table import Table
from rich.text import Text

from headgate.cli.render import words
from headgate.cli.render.styles import KIND_STYLES
from headgate.core.story.report import Report, StepReport


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
