"""The layout of what rich draws: pieces of text that flow, and what is indented."""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

_GAP = 2
"""Columns between two pieces."""


class Flow:
    """Pieces of text one after another, as many on a line as fit; a line breaks only between two of them."""

    def __init__(self, pieces: Sequence[Text]) -> None:
        self._pieces = pieces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._lines(options.max_width)

    def _lines(self, width: int) -> Iterator[Text]:
        line = Text()
        for piece in self._pieces:
            if line and line.cell_len + _GAP + piece.cell_len > width:
                yield line
                line = Text()
            line.append(" " * _GAP if line else "")
            line.append_text(piece)
        if line:
            yield line


def indented(what: RenderableType, by: int = 2) -> Padding:
    """Something, a little to the right."""
    return Padding(what, (0, 0, 0, by), expand=False)
