"""Why a release was decided as it was: its sentences, and the numbers of the deciding verdict."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from headgate.cli.render import words
from headgate.cli.render.board import KIND_STYLES
from headgate.cli.render.steps import steps_table
from headgate.cli.render.summary import headline
from headgate.core.explain import Sentence
from headgate.core.model import Evidence, Verdict
from headgate.core.report import Fold


def story(fold: Fold, sentences: Sequence[Sentence]) -> RenderableType:
    """The whole story of a release."""
    report = fold.report()
    parts: list[RenderableType] = [headline(fold, report), Text(), _told(sentences)]
    if report.steps:
        parts += [Text("\nWhat was seen", style="bold"), Padding(steps_table(report), (0, 0, 0, 2))]
    if fold.last is not None:
        parts += _verdict(fold.last.verdict)
    return Group(*parts)


def _told(sentences: Sequence[Sentence]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for sentence in sentences:
        mark = Text("●", style="bold cyan") if sentence.weighty else Text("·", style="dim")
        table.add_row(
            f"{sentence.after_s:+.1f}s", mark, Text(sentence.text, style="" if sentence.weighty else "dim")
        )
    return table


def _verdict(verdict: Verdict) -> list[RenderableType]:
    title = Text("\nThe last verdict: ", style="bold")
    title.append(verdict.kind.replace("_", " "), KIND_STYLES[verdict.kind])
    title.append(
        f", {words.odds(verdict.evidence)} of {words.odds(verdict.needed)} to 1 that the canary is worse"
    )
    parts: list[RenderableType] = [title]
    if verdict.metrics:
        parts.append(Padding(evidence_table(verdict.metrics), (0, 0, 0, 2)))
    return parts


def evidence_table(metrics: Sequence[Evidence]) -> Table:
    """One row for each metric: what each arm had, their ratio, and what it adds to the evidence."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("metric", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for head in ("stable", "canary", "ratio", "to 1"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", overflow="fold", ratio=1)
    for metric in metrics:
        kind = Text(metric.kind.replace("_", " "), style=KIND_STYLES[metric.kind])
        table.add_row(
            metric.metric,
            kind,
            _number(metric.stable),
            _number(metric.canary),
            _ratio(metric),
            words.odds(metric.e_value),
            Text(metric.note, style="dim"),
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _ratio(metric: Evidence) -> str:
    if metric.ratio is None:
        return "-"
    interval = (
        f" ({metric.low:.2g}..{metric.high:.2g})"
        if metric.low is not None and metric.high is not None
        else ""
    )
    return f"{metric.ratio:.2f}{interval}"
