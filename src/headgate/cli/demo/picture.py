"""A picture of the demo for people who only look: what was told, as an SVG."""

import io
import re
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.rule import Rule
from rich.text import Text

from headgate.cli.demo.story import Chapter
from headgate.cli.render.summary import summary
from headgate.core.story.report import Fold

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
