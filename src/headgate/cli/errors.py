"""Errors of commands, in one sentence each, with what to do next; a traceback only for those who ask for one."""

import os
import sys
from collections.abc import Iterable
from typing import Literal, NoReturn

import click

# Exit codes: what a script learns from a command without reading a word of it.

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


DEBUG_VARIABLE = "HEADGATE_DEBUG"


class Unable(click.ClickException):
    """Something that was asked cannot be done. `hint` says what to do instead, `code` is the exit code."""

    def __init__(self, message: str, hint: str = "", *, code: int = USAGE) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


_RULES: dict[str, tuple[str, int]] = {
    "headgate.config.problems.ConfigError": ("", USAGE),
    "headgate.ledger.errors.LedgerMissing": (
        "nothing was released from this home yet; `headgate deploy` begins, `--home` names another",
        USAGE,
    ),
    "headgate.ledger.errors.LedgerCorrupt": ("`headgate ledger verify` says where it breaks", INTERNAL),
    "headgate.ledger.errors.LedgerError": ("", INTERNAL),
    "headgate.homes.identity.Displaced": ("", REFUSED),
    "headgate.homes.OpenHome": ("nothing was changed", REFUSED),
    "headgate.controller.lease.LeaseTaken": ("nothing was changed; try again in a moment", REFUSED),
    "headgate.ports.errors.PortError": ("", INTERNAL),
}
"""By the full name of a class, so that no room is loaded only to know how it fails: a hint, and the exit code."""


def explained(error: Exception) -> click.ClickException | None:
    """The error as a sentence for people; None for one that nobody foresaw."""
    if isinstance(error, click.ClickException):
        return error
    for kind in type(error).__mro__:
        rule = _RULES.get(f"{kind.__module__}.{kind.__qualname__}")
        if rule is not None:
            return Unable(str(error), rule[0], code=rule[1])
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return Unable(f"{place}{error.strerror}", code=INTERNAL)
    return None


def unforeseen(error: Exception) -> Unable:
    """An error that nobody foresaw: it is ours, and says so."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    hint = f"this is a defect of Headgate; with {DEBUG_VARIABLE}=1 it shows where"
    return Unable(f"internal error: {what}", hint, code=INTERNAL)


def debugging() -> bool:
    """True when tracebacks are wanted."""
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`did you mean ...?` for a name that is near one of `names`; else those there are; else nothing."""
    from headgate.config.problems import closest

    known = sorted(set(names))
    near = closest(name, known)
    if near is not None:
        return f"did you mean `{near}`?"
    return f"there is {listed(known)}" if known else ""


def listed(names: Iterable[str], most: int = 8) -> str:
    """`a`, `b` and `c`: at most so many of them."""
    known = [f"`{name}`" for name in names]
    if len(known) > most:
        return ", ".join(known[:most]) + f" and {len(known) - most} more"
    return " and ".join([", ".join(known[:-1]), known[-1]]) if len(known) > 1 else "".join(known)


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
