"""The artifact of a release: one of the store, or the one that the project's build makes now."""

import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.cli.errors import Unable
from headgate.cli.session import Session
from headgate.core.model import Unit
from headgate.ports import Artifact, Artifacts, PortError

if TYPE_CHECKING:
    from headgate.config import Project
    from headgate.config.models.service import Artifact as Recipe


def chosen(store: Artifacts, name: str) -> Artifact:
    """The artifact with this digest, beginning of a digest, or label. Raises Unable with the candidates."""
    try:
        return store.find(name)
    except PortError as error:
        raise Unable(str(error), "`headgate artifacts` lists them") from error


def built(
    store: Artifacts, recipe: "Recipe", root: Path, label: str, on_line: Callable[[str], None]
) -> Artifact:
    """Run the build command, if there is one, and take in what it made: the same content gives the same digest.

    Raises Unable when the build fails, or what it should have made is not there.
    """
    from headgate import wiring

    try:
        if recipe.build:
            wiring.run_build(recipe.build, root, on_line=on_line)
        command = " ".join(recipe.build)
        origin = wiring.provenance(
            root, built_at=time.time(), command=command, source=str(recipe.path), label=label
        )
        return store.put(_inside(root, recipe.path), origin)
    except PortError as error:
        raise Unable(str(error), "nothing was changed") from error


def _inside(root: Path, path: str) -> Path:
    """What is to be released, by whatever links: inside the project, or it is not the project's. Raises Unable."""
    place = root / path
    leads = place.resolve()
    if not leads.is_relative_to(root.resolve()):
        raise Unable(
            f"the artifact {path} leads out of the project, by a link to {leads}",
            "have the build copy it into the project, or name a path inside; nothing was changed",
        )
    return place


def called(artifact: Artifact, asked: str) -> str:
    """What people call the artifact: the label it was asked for by, or the one it was given last."""
    named = asked and not artifact.digest.startswith(asked.lower())
    return asked if named else artifact.provenance.label


# What is worth a look before a deploy, though no rule forbids it: where data lies, and where it would be lost.


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
