"""Where a version's files are: `<home>/versions/<project>/<environment>/<service>/<key>/...`.

version.json      who shall run (`Desired`); absent: nobody
tree.json         what the artifact's tree holds, for those who start from it
endpoints.json    where each instance listens and whether it is ready; rewritten at once, for others to watch
effects.json      the effects that were applied, newest last
instances/<n>/    spec.json, life.json, output.log (rotated), files/, tree/ (see `worktree`), home/; later own-logs/

Elsewhere in the home, because they have another life than a version's:

shared/<project>/<environment>/<service>/...    what all versions of a unit share: nothing ever removes it
tmp/<10 digits>/                                an instance's TMPDIR: sockets in it need a short path
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from headgate.core.model import Unit, Version
from headgate.folders import private_folder
from headgate.plugins.targets.local import worktree
from headgate.plugins.targets.local.record import Desired, Done, Endpoint, Life, Spec
from headgate.ports import Permanent, Temporary
from headgate.ports.errors import UNREADABLE, why

T = TypeVar("T")

STOPPED_KEPT = 10
"""How many stopped versions of a unit keep their logs."""

EFFECTS_KEPT = 64


class Layout:
    """The files of every version in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.abspath(home))  # noqa: PTH100 - links stay as they are
        self.versions = self.home / "versions"
        self.log = self.home / "log"
        self.ports_lock = self.home / "run" / "ports.lock"

    def shared(self, unit: Unit) -> Path:
        """The folder of what all versions of `unit` share."""
        return self.home.joinpath("shared", *_parts(unit))

    def folder(self, version: Version) -> "VersionFolder":
        """The folder of `version`, whether or not it exists."""
        return VersionFolder(self.versions.joinpath(*_parts(version.unit), version.key))

    def running(self) -> Iterator["VersionFolder"]:
        """The folders of the versions that shall run."""
        for path in sorted(self.versions.glob("*/*/*/*/version.json")):
            yield VersionFolder(path.parent)

    def taken_ports(self) -> frozenset[int]:
        """Every port that any version in this home has."""
        paths = self.versions.glob("*/*/*/*/endpoints.json")
        return frozenset(
            endpoint.port for path in paths for endpoint in VersionFolder(path.parent).endpoints()
        )


class VersionFolder:
    """The files of one version. Reading what is absent gives nothing; what is broken raises Permanent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        project, environment, service, key = path.parts[-4:]
        self.prefix = f"{project}.{environment}.{service}.{key}."
        self.lock = path / "lock"
        self.shared = path.parents[4].joinpath("shared", project, environment, service)
        self.manifest = path / "tree.json"

    def names(self, instances: int) -> tuple[str, ...]:
        """The names of the first `instances` instances; they are the supervisor's names for their programs."""
        return tuple(f"{self.prefix}{n}" for n in range(1, instances + 1))

    def instance(self, name: str) -> Path:
        """The folder of the instance called `name`."""
        return self.path / "instances" / name.removeprefix(self.prefix)

    def tree(self, name: str) -> Path:
        """The working tree of the instance called `name`."""
        return self.instance(name) / "tree"

    def own_logs(self, name: str) -> Path:
        """Where the log files that the instance called `name` wrote in its tree are once that is gone."""
        return self.instance(name) / "own-logs"

    def temporary(self, name: str) -> Path:
        """The TMPDIR of the instance called `name`."""
        return self.path.parents[4] / "tmp" / hashlib.sha256(name.encode()).hexdigest()[:10]

    def output(self, name: str) -> Path:
        """The log of the instance called `name`."""
        return self.instance(name) / "output.log"

    def desired(self) -> Desired | None:
        """Who shall run."""
        return _read(self.path / "version.json", Desired)

    def desire(self, desired: Desired) -> None:
        """Write down who shall run."""
        _write(self.path / "version.json", desired)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where instances listen, by name."""
        return _read(self.path / "endpoints.json", tuple[Endpoint, ...]) or ()

    def publish(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Write down where instances listen. Does nothing when it is so already."""
        if endpoints != self.endpoints():
            _write(self.path / "endpoints.json", endpoints)

    def note_tree(self, tree: Path) -> None:
        """Write down what the artifact's tree holds, once: it never changes. Raises Temporary."""
        if not self.manifest.exists():
            try:
                found = dict(worktree.leaves(str(tree)))
            except OSError as error:
                raise Temporary(f"cannot read {tree}: {error.strerror}") from error
            _write(self.manifest, found)

    def effects(self) -> tuple[Done, ...]:
        """The effects that were applied, newest last."""
        return _read(self.path / "effects.json", tuple[Done, ...]) or ()

    def note(self, effects: tuple[Done, ...]) -> None:
        """Write down the effects that were applied; the newest `EFFECTS_KEPT` stay."""
        _write(self.path / "effects.json", effects[-EFFECTS_KEPT:])

    def spec(self, name: str) -> Spec | None:
        """What the instance called `name` is made of."""
        return _read(self.instance(name) / "spec.json", Spec)

    def specify(self, spec: Spec) -> None:
        """Write down what an instance is made of. Does nothing when it is so already."""
        if self.spec(spec.name) != spec:
            _write(self.instance(spec.name) / "spec.json", spec)

    def life(self, name: str) -> Life:
        """The present process of the instance called `name`."""
        return _read(self.instance(name) / "life.json", Life) or Life()

    def clear(self, name: str) -> None:
        """Forget everything about an instance but its logs: whatever else it wrote in its own folders goes with it."""
        for file in ("spec.json", "life.json", "life.json.new"):
            (self.instance(name) / file).unlink(missing_ok=True)
        worktree.keep_logs(str(self.tree(name)), str(self.own_logs(name)))
        for folder in (self.instance(name) / "files", self.instance(name) / "home", self.tree(name)):
            worktree.discard(str(folder))
        worktree.discard(str(self.temporary(name)))

    def retire(self) -> None:
        """Nobody shall run; logs and the record of effects stay, until `STOPPED_KEPT` newer versions have stopped."""
        for file in ("version.json", "endpoints.json"):
            (self.path / file).unlink(missing_ok=True)
        for instance in self.path.glob("instances/*"):  # what a process that died in the middle has left
            self.clear(self.prefix + instance.name)
        stopped = [path for path in self.path.parent.iterdir() if not (path / "version.json").exists()]
        stopped.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in stopped[STOPPED_KEPT:]:
            worktree.discard(str(path))


def _parts(unit: Unit) -> list[str]:
    return [slug(part) for part in (unit.project, unit.environment, unit.service)]


def slug(name: str) -> str:
    """`name` as a folder and as a part of a program's name; a name that has to be changed keeps a mark of its own."""
    plain = re.sub(r"[^a-z0-9_-]", "-", name.lower())[:40]
    return plain if plain and plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise Permanent(f"{path} is not what Headgate wrote there: {why(error)}") from error
    except OSError as error:
        raise Temporary(f"cannot read {path}: {error.strerror}") from error


def _write(path: Path, value: object) -> None:
    """All of it or nothing, durably, readable by its owner only."""
    temporary = ""
    try:
        private_folder(path.parent)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(value)))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True) if temporary else None
        raise Temporary(f"cannot write {path}: {error.strerror}") from error
