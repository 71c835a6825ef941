"""Styles of verdicts and phases, by names that rich and `paint` both know. Light: `status` loads this, and not rich."""

from collections.abc import Callable

from headgate.cli.render.foreign import visible
from headgate.core.model import VerdictKind

Paint = Callable[[str, str], str]
"""Gives a text its style."""

KIND_STYLES: dict[VerdictKind, str] = {
    "pass": "green",
    "fail": "bold red",
    "watch": "cyan",
    "hold_external": "yellow",
    "inconclusive": "yellow",
    "no_data": "yellow",
}
PHASE_STYLES = {
    "held": "bold yellow",
    "waiting for stable": "bold yellow",
    "rolling back": "bold red",
    "rolled back": "bold red",
    "promoted": "bold green",
}

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}


def painted(text: str, style: str) -> str:
    """A text in a style, for a terminal."""
    codes = ";".join(str(_CODES[word]) for word in style.split())
    return f"\x1b[{codes}m{visible(text)}\x1b[0m" if codes else visible(text)


def unpainted(text: str, style: str) -> str:  # noqa: ARG001 - a Paint
    """A text without a style."""
    return visible(text)
