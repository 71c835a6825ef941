"""What is worth a look before a deploy, though no rule forbids it: where data lies, and where it would be lost."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.cli.session import Session
from headgate.core.model import Unit

if TYPE_CHECKING:
    from headgate.config import Project


def remarks(session: Session, project: "Project", only: Collection[str] = ()) -> tuple[str, ...]:
    """Sentences on the data of each service, in the environments `only` (none: all)."""
    from headgate.config import unshared

    found = (*unshared(project, session.root), *_shared(session.home, project))
    return tuple(one for one in found if not only or one.partition("/")[0] in only)


def _shared(home: Path, project: "Project") -> Iterator[str]:
    """Where on this host each shared path lies."""
    from headgate import wiring

    for name, environment in project.environments.items():
        for service, one in environment.services.items():
            unit, platform = Unit(project.project, name, service), one.platform or environment.platform
            folder = wiring.shared_of(home, platform, unit) if one.shared else None
            if folder is not None:
                yield from (_lies(f"{name}/{service}", path, folder / path) for path in one.shared)


def _lies(whose: str, path: str, where: Path) -> str:
    return f"{whose}: `{path}` is shared by all versions: it lies in {where}, and nothing removes it."
