"""Figures as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows with the same keys, in columns, under their names."""
    if not rows:
        return []
    cells = [[str(key) for key in rows[0]], *[[text(value) for value in row.values()] for row in rows]]
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def lines_of(figures: Mapping[str, Any]) -> list[str]:
    """A name and a value a line; a list of rows becomes a table, figures within figures stand under their name."""
    lines: list[str] = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            lines += [f"  {name}", *[f"  {line}" for line in lines_of(value)]]
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            lines += [f"  {name}", *[f"    {line}" for line in table(value)]]
        else:
            lines.append(f"  {name:<24}{text(value)}")
    return lines


def text(value: object) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(text(one) for one in value) or "none"
    return "-" if value is None else str(value)
