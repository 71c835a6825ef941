"""How a command ends: at once, also when something that it asked has not answered and never may.

A thread that waits for a part that hangs cannot be stopped, and would keep the command from its end.
"""

import os
import sys
from typing import NoReturn

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
