"""The releases there were, one row each."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from headgate.cli.render import words
from headgate.cli.render.styles import PHASE_STYLES
from headgate.cli.render.summary import OUTCOMES
from headgate.core.model.summary import Summary


def history(summaries: Sequence[Summary]) -> Table:
    """Newest first: when, what, how it ended and why, by whom, in what time."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", expand=True)
    table.add_column("release", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("what", overflow="fold", ratio=2)
    table.add_column("outcome", overflow="fold", ratio=3)
    table.add_column("by", no_wrap=True, max_width=12, overflow="ellipsis")
    for summary in summaries:
        table.add_row(
            Text(summary.release, style="bold"),
            words.day(summary.requested_at),
            _what(summary),
            _outcome(summary),
            summary.author,
        )
    return table


def _what(summary: Summary) -> Text:
    lines = Text()
    for index, move in enumerate(summary.moves):
        lines.append("\n" if index else "")
        lines.append(f"{summary.environment}/{move.unit.service} ")
        lines.append(words.name(move.after, move.label), "bold")
    return lines


def _outcome(summary: Summary) -> Text:
    if summary.outcome is None:
        word, style = summary.phase, PHASE_STYLES.get(summary.phase, "bold cyan")
    else:
        word, style = OUTCOMES[summary.outcome]
    line = Text(word, style=style)
    if summary.ended_at is not None and summary.outcome != "refused":
        line.append(f" in {words.span(summary.ended_at - summary.requested_at)}", "dim")
    if summary.reason:
        line.append(f"\n{summary.reason}", "dim")
    return line
