"""The table that the demo ends with."""

import io
import re
from collections.abc import Sequence

import msgspec
from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from headgate.cli.demo.story import Chapter
from headgate.cli.render import words
from headgate.cli.render.summary import OUTCOMES, summary
from headgate.core.story.report import Fold, Report
from headgate.lab.load.results import Results


class Seen(msgspec.Struct, frozen=True):
    """What the customers saw over the whole demo. `requests` includes the failed (5xx) and the `reset` ones."""

    requests: int
    failed: int
    reset: int
    p50_ms: float | None
    p99_ms: float | None


def seen(results: Results) -> Seen:
    """The customers' side of the story, in short."""
    counts = results.total.counts
    reset = counts.resets + counts.connect_errors + counts.timeouts
    return Seen(counts.requests, counts.failed, reset, counts.latency.p50_ms, counts.latency.p99_ms)


def curtain(told: Sequence[tuple[Chapter, Report]], customers: Seen | None) -> RenderableType:
    """What became of each version, and what the customers saw of all of it."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("version", style="bold", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("bad requests", justify="right")
    table.add_column("detected", justify="right")
    table.add_column("restored", justify="right")
    table.add_column("what was true about it", style="dim")
    for chapter, report in told:
        word, style = OUTCOMES[report.outcome]
        table.add_row(
            chapter.version,
            Text(word, style=style),
            words.count(report.bad_requests_served),
            _span(report.detected_after_s),
            _span(report.restored_after_s),
            chapter.truth,
        )
    parts: list[RenderableType] = [Rule("what became of them", style="dim"), table]
    if customers is not None:
        parts += [Text(), Text(_sentence(customers))]
    return Group(*parts)


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _sentence(customers: Seen) -> str:
    quick = f"half of the answers within {customers.p50_ms:.1f} ms" if customers.p50_ms is not None else ""
    return (
        f"The customers made {words.count(customers.requests)} requests: {words.count(customers.failed)} failed, "
        f"{words.count(customers.reset)} were reset or lost; {quick}."
    )


# A picture of the demo for people who only look: what was told, as an SVG.

WIDTH = 110

_WEB_FONTS = re.compile(r"@font-face \{[^}]*\}\s*")
"""rich's picture names fonts on other people's servers; ours loads nothing, and takes the reader's own."""


def picture(told: Sequence[tuple[Chapter, Fold]], ending: RenderableType) -> str:
    """The summaries of the releases and the table they end with."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, emoji=False)
    console.print(Text("$ make demo", style="bold"))
    for chapter, fold in told[1:3]:
        console.print(Rule(Text(chapter.version, style="bold"), align="left", style="dim"))
        console.print(Text(chapter.truth, style="dim"))
        console.print(summary(fold))
    console.print(ending)
    return _WEB_FONTS.sub("", console.export_svg(title="headgate demo"))
