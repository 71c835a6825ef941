"""The explanation of a decision, drawn: its sentences, and the numbers of the deciding verdict."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.cli.render import words
from headgate.cli.render.layout import indented
from headgate.cli.render.styles import KIND_STYLES
from headgate.cli.render.summary import headline, steps_table
from headgate.cli.render.words import NO_LABELS, Labels
from headgate.core.model import Evidence, Verdict
from headgate.core.story.explain import Sentence
from headgate.core.story.report import Fold


def story(fold: Fold, sentences: Sequence[Sentence], labels: Labels = NO_LABELS) -> RenderableType:
    """The whole story of a release."""
    report = fold.report()
    parts: list[RenderableType] = [headline(fold, report, labels), Text(), _told(sentences)]
    if report.steps:
        parts += [Text("\nWhat was seen", style="bold"), indented(steps_table(report))]
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
        parts.append(indented(evidence_table(verdict.metrics)))
        notes = (f"{metric.metric}: {metric.note}" for metric in verdict.metrics if metric.note)
        parts += [indented(Text(note, style="dim")) for note in notes]
    return parts


def evidence_table(metrics: Sequence[Evidence]) -> Table:
    """One row for each metric: what each arm had, their ratio, and what it adds to the evidence."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("metric", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for head in ("stable", "canary", "ratio", "between", "to 1"):
        table.add_column(head, justify="right", no_wrap=True)
    for metric in metrics:
        kind = Text(metric.kind.replace("_", " "), style=KIND_STYLES[metric.kind])
        table.add_row(
            metric.metric,
            kind,
            _number(metric.stable),
            _number(metric.canary),
            "-" if metric.ratio is None else f"{metric.ratio:.3g}",
            _between(metric),
            words.odds(metric.e_value),
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _between(metric: Evidence) -> str:
    if metric.low is None or metric.high is None:
        return "-"
    return f"{metric.low:.3g}..{metric.high:.3g}"
