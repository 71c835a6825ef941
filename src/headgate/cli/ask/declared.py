"""What the project file declares of each unit, remembered in the home by the file's digest.

Reading a project file loads a good deal; `status` asks each time and shall answer at once.
"""

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from headgate import __version__
from headgate.cli.session import Session
from headgate.core.drift import Declared
from headgate.core.model import Unit
from headgate.files import replace_file
from headgate.ports.errors import UNREADABLE

if TYPE_CHECKING:
    from headgate.config import Project

REMEMBERED = "declared.json"
FILE_MAX_BYTES = 4 * 1024 * 1024


class Declaration(msgspec.Struct, frozen=True):
    """What a project file says. `digest` is of its bytes, and of the Headgate that read them."""

    digest: str
    project: str
    units: tuple[tuple[Unit, Declared], ...]

    def of(self) -> dict[Unit, Declared]:
        """By unit."""
        return dict(self.units)


_decoder = msgspec.json.Decoder(Declaration)


def declaration(session: Session) -> Declaration | None:
    """What the project file declares; None when there is none. Raises ConfigError with all that is wrong with it."""
    file = session.project_file
    if file is None:
        return None
    digest = _digest(file)
    remembered = _remembered(session.home / REMEMBERED)
    if remembered is not None and remembered.digest == digest:
        return remembered
    found = declared_by(session.project, digest)
    if session.has_ledger:
        _remember(session.home / REMEMBERED, found)
    return found


def declared_by(project: "Project", digest: str = "") -> Declaration:
    """The same, from a project that was read."""
    from headgate.config import listener_of

    units = tuple(
        (
            Unit(project.project, name, service),
            Declared(one.instances, listener_of(one)),
        )
        for name, environment in project.environments.items()
        for service, one in environment.services.items()
    )
    return Declaration(digest, project.project, units)


def _digest(file: Path) -> str:
    with contextlib.suppress(OSError), file.open("rb") as stream:
        return hashlib.sha256(f"{__version__} {file} ".encode() + stream.read(FILE_MAX_BYTES)).hexdigest()
    return ""


def _remembered(file: Path) -> Declaration | None:
    """Nothing where it cannot be read: it is made again."""
    try:
        return _decoder.decode(file.read_bytes())
    except (OSError, *UNREADABLE):
        return None


def _remember(file: Path, found: Declaration) -> None:
    """All of it or nothing; a home that cannot be written is no reason not to answer."""
    with contextlib.suppress(OSError):
        replace_file(file, msgspec.json.encode(found))
