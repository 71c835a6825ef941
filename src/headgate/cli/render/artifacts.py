"""What is in the store of artifacts."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from headgate.cli.render import words
from headgate.ports import Artifact


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
