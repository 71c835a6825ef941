"""Views of a release while it goes on: for a person, for a log, for a script."""

import sys
from typing import Protocol

from headgate.cli.ask.follow import Follower
from headgate.cli.screen import console, print_line, say
from headgate.core.story.explain import Sentence

FRAME_S = 1 / 8
"""At most eight pictures a second."""


class View(Protocol):
    """Shows a release as it goes on."""

    def show(self, seen: Follower, told: tuple[Sentence, ...], now: float, trouble: str) -> None:
        """What has happened since the last call, and how things stand at `now`."""
        ...

    def note(self, text: str) -> None:
        """Something that is not in the ledger: about this command itself."""
        ...

    def close(self) -> None:
        """Leave the terminal as it should be. May be called again."""
        ...


class Plain:
    """A line for each thing that happened. A reader who has gone does not stop a release."""

    def __init__(self, *, err: bool) -> None:
        self._err = err
        self._gone = False
        self._trouble = ""

    def show(self, seen: Follower, told: tuple[Sentence, ...], now: float, trouble: str) -> None:  # noqa: ARG002 - View's
        """The new sentences, with the time since the release began."""
        for sentence in told:
            self.note(f"{seen.fold.request.release} {sentence.after_s:+8.1f}s  {sentence.text}")
        if trouble and trouble != self._trouble:
            self.note(f"{seen.fold.request.release} stands still: {trouble}")
        self._trouble = trouble

    def note(self, text: str) -> None:
        """A line."""
        if self._gone:
            return
        try:
            say(text, err=self._err)
        except BrokenPipeError:
            self._gone = True

    def close(self) -> None:
        """Nothing is held."""


class Stream:
    """A JSON object for each thing that happened, one on a line."""

    def show(self, seen: Follower, told: tuple[Sentence, ...], now: float, trouble: str) -> None:  # noqa: ARG002 - View's
        """The new sentences."""
        for sentence in told:
            print_line(
                {
                    "release": seen.fold.request.release,
                    "at": sentence.at,
                    "after_s": round(sentence.after_s, 3),
                    "text": sentence.text,
                    "weighty": sentence.weighty,
                }
            )

    def note(self, text: str) -> None:
        """To people, beside the stream."""
        say(text, err=True)

    def close(self) -> None:
        """Nothing is held."""


class Picture:
    """The live view: what decided the release's course scrolls by above it."""

    def __init__(self) -> None:
        from rich.live import Live

        self._notes: tuple[str, ...] = ()
        self._live = Live(console=console(), auto_refresh=False, transient=True)
        self._live.start()

    def show(self, seen: Follower, told: tuple[Sentence, ...], now: float, trouble: str) -> None:
        """Draw anew."""
        from headgate.cli.render.board import board, line

        for sentence in told:
            if sentence.weighty:
                self._live.console.print(line(sentence))
        still = (f"It stands still: {trouble}",) if trouble else ()
        self._live.update(board(seen.fold, now, (*still, *self._notes), seen.labels), refresh=True)

    def note(self, text: str) -> None:
        """Kept below the picture, and what came before it goes."""
        self._notes = (text,)

    def close(self) -> None:
        """Take the picture away; the summary comes in its place."""
        self._live.stop()


def view(*, as_json: bool) -> View:
    """The view that fits: a picture on a terminal, lines elsewhere; beside JSON, lines on stderr."""
    if as_json or not sys.stdout.isatty():
        return Plain(err=as_json)
    return Picture()
