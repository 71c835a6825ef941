"""The releases there were, one row each."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from headgate.cli.ask.sources import Tried
from headgate.cli.render import words
from headgate.cli.render.styles import PHASE_STYLES, Paint
from headgate.cli.render.summary import OUTCOMES
from headgate.core.model.summary import Summary
from headgate.ports import Artifact


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


# What sources of signals answered, as lines.

QUESTION_MAX = 160


def sources_lines(tried: Sequence[Tried], paint: Paint) -> Iterator[str]:
    """Each source and version, its questions below it, what is wrong below each."""
    for one in tried:
        mark = paint("✓", "green") if one.ok else paint("✗", "bold red")
        head = f"{one.unit.service} in {one.unit.environment}: {one.source} ({one.kind}), {one.arm} {one.version}"
        yield f"{mark} {paint(head, '')}"
        for look in one.looks:
            yield f"    {paint(_short(look.question), 'dim')}"
            yield f"      {paint(look.answer, '')}"
            if look.problem:
                yield f"      {paint('wrong:', 'bold red')} {paint(look.problem, '')}"


def _short(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= QUESTION_MAX else f"{line[: QUESTION_MAX - 1]}…"


# What is in the store of artifacts.


def artifacts(found: Sequence[Artifact], used: Mapping[str, Sequence[str]]) -> Table:
    """One row for each: digest, label, where it came from, and `used` says by digest what it does now."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("digest", no_wrap=True)
    table.add_column("label", overflow="fold")
    table.add_column("built", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("commit", no_wrap=True)
    table.add_column("", overflow="fold")
    for artifact in found:
        origin = artifact.provenance
        table.add_row(
            words.short(artifact.digest),
            Text(origin.label, style="bold"),
            words.day(origin.built_at),
            size(artifact.size_bytes),
            f"{origin.commit[:8]}{'+' if origin.dirty else ''}",
            Text(", ".join(used.get(artifact.digest, ())), style="green"),
        )
    return table


def size(size_bytes: int) -> str:
    """A size as people read it: `512 B`, `3.4 MB`."""
    value = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if value < 1000:  # noqa: PLR2004 - decimal units
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
