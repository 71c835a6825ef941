"""A command of the project's own: a change that Headgate cannot make itself, and how it is asked about and undone."""

from typing import Literal

import msgspec

Applied = Literal["applied", "not_applied", "unknown"]
"""What became of a command's change. What nobody can say is unknown, and never counts as applied."""


class Command(msgspec.Struct, frozen=True):
    """A change that the words of `apply` make, in the version's tree and with its environment.

    `check` says whether the change is there (it exits with 0) or not (with 1); empty: nobody can say. `undo` takes it
    back; empty: nothing does, for the reason in `one_way`, or because there is nothing to take back.
    Each run may take `limit_s` seconds.
    """

    name: str
    apply: tuple[str, ...]
    check: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    one_way: str = ""
    limit_s: float = 300.0
