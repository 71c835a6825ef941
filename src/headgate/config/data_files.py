"""Databases of an application in places that no other version will see: shipped with it, or told to it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from headgate.config.models import Project, Service

DATABASES = (".sqlite3", ".sqlite", ".db", ".db3")
ENTRIES_MAX, FOUND_MAX = 20_000, 5
_SKIP = frozenset({".git", ".hg", ".svn", ".headgate", "__pycache__", "node_modules", ".venv", "venv"})
_ADDRESS = re.compile(r"sqlite3?:(?:///)?(?!/)([^?#]+)")
"""As Django, SQLAlchemy and Rails write it; one more slash makes it a path of the host's."""


def unshared(project: Project, root: Path) -> tuple[str, ...]:
    """A sentence for each database that lies in no shared place of its service: what is written there is lost."""
    found: list[str] = []
    for environment, one in project.environments.items():
        for name, service in one.services.items():
            for path, where in (*_shipped(service, root), *_told(service)):
                if not _is_shared(path, service):
                    found.append(
                        f"{environment}/{name}: `{path}` is a database and lies in no `shared` place{where}: what is "
                        f"written there is gone with the version. To keep it: `shared: [{_keeping(path)}]`"
                    )
    return tuple(dict.fromkeys(found))


def _shipped(service: Service, root: Path) -> Iterator[tuple[str, str]]:
    place, count, found = root / service.artifact.path, 0, 0
    for folder, inside, names in os.walk(place):
        inside[:] = sorted(name for name in inside if name not in _SKIP)
        count += len(inside) + len(names)
        for name in sorted(names):
            if name.lower().endswith(DATABASES) and found < FOUND_MAX:
                found += 1
                yield (Path(folder, name).relative_to(place)).as_posix(), ""
        if count > ENTRIES_MAX:
            return


def _told(service: Service) -> Iterator[tuple[str, str]]:
    for variable, value in service.env.items():
        if (address := _ADDRESS.fullmatch(value)) and ":memory:" not in value:
            yield address[1].removeprefix("./"), f" (`{variable}`)"


def _is_shared(path: str, service: Service) -> bool:
    return any(path == shared or path.startswith(f"{shared}/") for shared in service.shared)


def _keeping(path: str) -> str:
    """A folder of its own is kept as a whole: a database has files beside it."""
    return path.partition("/")[0] if path.startswith(("storage/", "data/", "var/")) else path
