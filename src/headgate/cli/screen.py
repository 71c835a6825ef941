"""Output of commands: text, JSON, or something drawn. Only drawing loads rich.

Whoever prints does it here: what others wrote is made visible on its way (`render.foreign`).
"""

import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import msgspec

from headgate.cli.render.foreign import escaped, visible
from headgate.cli.render.styles import Paint, painted, unpainted

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PLAIN_WIDTH = 100
"""The width of what is drawn for a file or a pipe, where nobody says how wide it is."""


def print_json(value: Any, *, err: bool = False) -> None:  # noqa: ANN401 - whatever msgspec can encode
    """One JSON document, indented for the eye."""
    click.echo(escaped(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()), err=err)


def print_line(value: Any) -> None:  # noqa: ANN401 - as above
    """One JSON document on one line, at once: a part of a stream."""
    click.echo(escaped(msgspec.json.encode(value).decode()))
    sys.stdout.flush()


def say(text: str, *, err: bool = False) -> None:
    """A line of text, at once."""
    click.echo(visible(text), err=err)


def say_painted(line: str) -> None:
    """A line whose parts were all given their style by a `Paint`."""
    click.echo(line)


def page() -> tuple[int, Paint]:
    """The width of what is written without rich, and how it is coloured: not at all where `console` would not."""
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    plain = not terminal or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return width, unpainted if plain else painted


def draw(*parts: "RenderableType", err: bool = False) -> None:
    """Draw each part below the one before."""
    on = console(err=err)
    for part in parts:
        on.print(part)


def console(*, err: bool = False) -> "Console":
    """Where things are drawn: without colours and movement when it is no terminal, or when NO_COLOR asks for that."""
    from headgate.cli.render.careful import Careful

    stream = sys.stderr if err else sys.stdout
    terminal = stream.isatty()
    width = None if terminal else shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    return Careful(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        width=width,
        highlight=False,
        soft_wrap=False,
        emoji=False,
        markup=False,
    )


@contextmanager
def patience(text: str, *, quiet: bool) -> Generator[None]:
    """Say what takes a moment, while it does."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.status import Status

    with Status(text, console=console(err=True)):
        yield
