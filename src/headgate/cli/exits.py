"""Exit codes, and how a command ends: what a script learns from it without reading a word."""

import os
import sys
from typing import Literal, NoReturn

DONE = 0
"""What was asked is done: promoted, or there was nothing to do."""

INTERNAL = 1
"""Headgate itself, or the machine it runs on, failed."""

USAGE = 2
"""Wrong usage or configuration: nothing was changed."""

REFUSED = 3
"""Refused by a gate or a rule: nothing was changed."""

ROLLED_BACK = 4
"""The release was bad, and was undone."""

HELD = 5
"""The release waits for a person."""

ABORTED = 6
"""A person undid the release."""

INTERRUPTED = 130
"""A person stopped the command with Ctrl-C; the release stays as it is."""

Ended = Literal["promoted", "rolled_back", "refused", "aborted", "held", "under_way", "unchanged"]

OF_OUTCOME: dict[Ended, int] = {
    "promoted": DONE,
    "unchanged": DONE,
    "refused": REFUSED,
    "rolled_back": ROLLED_BACK,
    "held": HELD,
    "aborted": ABORTED,
    "under_way": INTERRUPTED,
}
"""The exit code of a command that follows a release to this outcome."""


# How a command ends: at once, also when something that it asked has not answered and never may.
#
# A thread that waits for a part that hangs cannot be stopped, and would keep the command from its end.

_left: list[str] = []


def leave_behind(what: str) -> None:
    """Nobody waits for this question any more."""
    _left.append(what)


def leave(code: int) -> NoReturn:
    """End the process with this exit code; what was left behind ends with it, in the middle of what it does."""
    if not _left:
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
