"""Errors of commands, in one sentence each, with what to do next; a traceback only for those who ask for one."""

import os
from collections.abc import Iterable

import click

from headgate.cli.exits import INTERNAL, REFUSED, USAGE

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
