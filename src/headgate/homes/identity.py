"""The identity of a home and its place: a copy must not command what the original runs.

A home writes its place down when it is made. Whatever names a process, a socket or a folder in it was true at that
place only; so nothing acts from another one, until somebody has said that it shall (`headgate adopt`).
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from headgate.files import identity as file_identity
from headgate.files import replace_file

NAME = "home.json"


class Displaced(Exception):  # noqa: N818 - a fact about the home
    """The home is not where it belongs. The message says where that is, and what to do."""


@dataclass(frozen=True)
class Identity:
    """`id` (32 hex digits) is kept for ever; `epoch` counts how often it was adopted at another place.

    `path` is where it belongs, `device` and `inode` are the folder's own numbers there.
    """

    id: str
    epoch: int
    path: str
    device: int
    inode: int


_KINDS = {"id": str, "epoch": int, "path": str, "device": int, "inode": int}


def identity(home: Path) -> Identity | None:
    """What the home says of itself; None when it says nothing, or nothing that can be read."""
    try:
        found = json.loads((home / NAME).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    written = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if {name: type(value) for name, value in written.items()} != _KINDS or "\0" in written["path"]:
        return None
    return Identity(**written)


def settle(home: Path) -> None:
    """Write down where the home is, unless that is known. Raises Displaced where it belongs elsewhere, OSError."""
    known = identity(home)
    if known is None:
        _write(home, _here(home, os.urandom(16).hex(), 1))
        return
    require(home)
    here = _here(home, known.id, known.epoch)
    if here != known:  # put back at its own place, or reached by another name
        _write(home, here)


def require(home: Path) -> None:
    """Raises Displaced when the home belongs elsewhere; one that says nothing of itself belongs where it is."""
    known = identity(home)
    if known is None or _same_place(home, Path(known.path)):
        return
    mend = f"`headgate --home {home} adopt` makes it a home of its own here"
    if was_moved(home):
        raise Displaced(
            f"the home {home} was moved here from {known.path}, and what runs was started there: nothing is done "
            f"before that is settled; move it back, or {mend}"
        )
    raise Displaced(
        f"{home} is a copy of the home {known.path}: nothing is done from a copy, for it would command what the "
        f"original runs; use --home {known.path}, or {mend}"
    )


def was_moved(home: Path) -> bool:
    """True when it is the very folder that was elsewhere before: what its records name is its own."""
    known = identity(home)
    if known is None:
        return False
    return file_identity(home) == (known.device, known.inode)


def adopt(home: Path) -> Identity:
    """Have it belong where it is from now on: a copy becomes another home. Returns what it is now. Raises OSError."""
    known = identity(home)
    same = known is not None and was_moved(home)
    new = _here(home, known.id if known and same else os.urandom(16).hex(), known.epoch + 1 if known else 1)
    _write(home, new)
    return new


def _here(home: Path, id_: str, epoch: int) -> Identity:
    return Identity(id_, epoch, os.path.abspath(home), *file_identity(home))  # noqa: PTH100 - links stay


def _same_place(home: Path, other: Path) -> bool:
    """By whatever name: a link to it is no other place."""
    try:
        return home.samefile(other)
    except OSError:
        return home.resolve() == other.resolve()


def _write(home: Path, what: Identity) -> None:
    replace_file(home / NAME, f"{json.dumps(asdict(what), indent=1)}\n".encode())
