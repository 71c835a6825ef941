"""The sound parts of a broken project file, so that they can still be checked against each other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from headgate.config.models import Project, Service
from headgate.config.tree import Loc

_HEAD: dict[str, object] = {"headgate": 1, "project": "unnamed"}
_SERVICE: dict[str, object] = {"artifact": "unknown", "run": "unknown", "listen": 1}
_KEY = "[key]"

Unit = tuple[str, str]
"""An environment and a service."""


@dataclass(frozen=True)
class Sound:
    """A project to be checked as a whole, in which some parts may be stand-ins.

    `names` holds every service that the file gives an environment; `broken` says which keys of a unit are stand-ins.
    `channels` holds every channel that the file gives an environment.
    """

    project: Project
    names: Mapping[str, frozenset[str]]
    broken: Mapping[Unit, frozenset[str]]
    channels: Mapping[str, frozenset[str]]

    def whole(self, unit: Unit, *keys: str) -> bool:
        """True when none of the unit's `keys` is a stand-in."""
        return self.broken.get(unit, frozenset()).isdisjoint(keys)


def sound(project: Project) -> Sound:
    """A project without errors."""
    names = {name: frozenset(environment.services) for name, environment in project.environments.items()}
    channels = {name: frozenset(environment.notify) for name, environment in project.environments.items()}
    return Sound(project, names, {}, channels)


def salvage(data: dict[str, object], locs: Iterable[Loc]) -> Sound | None:
    """What is left of `data` when everything at `locs` is taken away or stood in for; None when nothing is."""
    rest: dict[str, Any] = _copied(data)
    names = {
        name: frozenset(_at(rest, "environments", name, "services")) for name in _at(rest, "environments")
    }
    channels = {name: frozenset(_at(rest, "environments", name, "notify")) for name in names}
    broken: dict[Unit, set[str]] = {}
    for found in locs:
        loc = found[:-1] if found and found[-1] == _KEY else found
        in_environment = loc[:1] == ("environments",) and loc[2:3] == ("services",)
        place = loc[: _depth(loc)]
        if in_environment and len(place) == _UNIT_DEPTH + 1:
            unit = (str(loc[1]), str(loc[3]))
            broken.setdefault(unit, set()).update(_unsure(str(place[-1]), _at(rest, *place[:-1])))
        if place:
            _at(rest, *place[:-1]).pop(str(place[-1]), None)
    _stand_in(rest)
    try:
        project = Project.model_validate(
            {**rest, **{key: rest.get(key, value) for key, value in _HEAD.items()}}
        )
    except ValidationError:
        return None
    return Sound(project, names, {unit: frozenset(keys) for unit, keys in broken.items()}, channels)


_UNIT_DEPTH = 4  # `environments`, name, `services`, name
_DEPTHS = {"services": _UNIT_DEPTH + 1, "notify": 4, "markers": 4, "roles": 4}


def _depth(loc: Loc) -> int:
    """How much of `loc` names the part to take away: a key of a service, an environment or the file."""
    if loc[:1] == ("environments",):
        return _DEPTHS.get(str(loc[2]), 3) if len(loc) > 3 else 3  # noqa: PLR2004 - environment, name, key
    return 3 if loc[:1] == ("services",) else 1


def _unsure(key: str, service: Mapping[str, object]) -> set[str]:
    """What can no longer be trusted: `key`; or, if that is no key at all, every key it may have been meant to be."""
    known = set(Service.model_fields)
    return {key} if key in known else known - service.keys()


def _at(data: object, *path: str | int) -> dict[str, Any]:
    """The mapping at `path`; an empty one when there is none."""
    for part in path:
        data = cast("dict[str | int, object]", data).get(part) if isinstance(data, dict) else None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _copied(data: object) -> Any:  # noqa: ANN401 - the data of a file
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in cast("dict[str, object]", data).items()}
    return data


def _stand_in(rest: dict[str, Any]) -> None:
    groups = [_at(rest, "services")]
    groups += [_at(environment, "services") for environment in _at(rest, "environments").values()]
    for service in (_at(group, name) for group in groups for name in group):
        for key, value in _SERVICE.items():
            service.setdefault(key, value)
