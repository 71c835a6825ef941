"""What is worth a look before a deploy, though no rule forbids it: where data lies, and where it would be lost."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from headgate.cli.session import Session
from headgate.core.model import Unit

if TYPE_CHECKING:
    from headgate.config import Project


def remarks(session: Session, project: "Project", only: Collection[str] = ()) -> tuple[str, ...]:
    """Sentences on the data of each service, in the environments `only` (none: all)."""
    from headgate import wiring
    from headgate.config import unshared

    places = [
        f"{name}/{service}: `{path}` is shared by all versions: it lies in "
        f"{wiring.shared_of(session.home, Unit(project.project, name, service)) / path}, and nothing removes it."
        for name, environment in project.environments.items()
        for service, one in environment.services.items()
        for path in one.shared
    ]
    found = (*unshared(project, session.root), *places)
    return tuple(one for one in found if not only or one.partition("/")[0] in only)
