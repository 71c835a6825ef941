"""The folder that is Envoy's configuration: files swapped atomically, read back as the only memory there is."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncGenerator, Collection, Iterable
from pathlib import Path
from typing import Any

import msgspec

from headgate.core.model import Unit, Version
from headgate.files import owner_only
from headgate.folders import private_folder
from headgate.plugins.traffic.envoy.names import cluster_name, unit_name
from headgate.plugins.traffic.envoy.routes import Applied, applied_of
from headgate.ports.errors import UNREADABLE, Permanent, Temporary, why

LOCK_WAIT_S = 10.0
_LOCK_POLL_S = 0.005

Resources = list[dict[str, Any]]


class Folder:
    """The files of one Envoy: `lds.json` and `cds.json`, one file per unit in `rds/` and per version in `eds/`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.bootstrap = self.path / "bootstrap.json"
        self.listeners = self.path / "lds.json"
        self.clusters = self.path / "cds.json"
        self.log = self.path / "envoy.log"

    def create(self) -> None:
        """Make the folder, with a configuration that serves nothing. What is there stays. Raises Temporary."""
        try:
            self._create()
        except OSError as error:
            raise Temporary(f"{self.path} cannot be made: {error.strerror or error}") from error

    def _create(self) -> None:
        for folder in (self.path, self.path / "rds", self.path / "eds"):
            private_folder(folder)
        for file in (self.listeners, self.clusters):
            if not file.exists():
                swap(file, discovery([]))

    def routes(self, unit: Unit) -> Path:
        """The file with the routes of `unit`."""
        return self.path / "rds" / f"{unit_name(unit)}.json"

    def endpoints(self, version: Version) -> Path:
        """The file with the instances of `version`."""
        return self.path / "eds" / f"{cluster_name(version)}.json"

    def applied(self, unit: Unit) -> Applied | None:
        """What the routes of `unit` were built from; None when it has none."""
        return _applied(self.routes(unit))

    def every_applied(self) -> list[Applied]:
        """The same for every unit."""
        return [found for file in self.route_files() if (found := _applied(file)) is not None]

    def route_files(self) -> list[Path]:
        """The file of every unit that has routes; its name is the unit's."""
        return sorted((self.path / "rds").glob("*.json"))

    def watched(self) -> int:
        """The number of files Envoy watches, each with an inotify instance of its own."""
        return sum(1 for folder in ("rds", "eds") for _ in (self.path / folder).glob("*.json")) + 2

    def forget_endpoints(self, clusters: Collection[str]) -> None:
        """Remove the files of versions whose cluster is not among `clusters` any more."""
        for file in (self.path / "eds").glob("*.json"):
            if file.stem not in clusters:
                file.unlink(missing_ok=True)

    @contextlib.asynccontextmanager
    async def locked(self, wait_s: float = LOCK_WAIT_S) -> AsyncGenerator[None]:
        """One writer at a time, whichever process it is in. Raises Temporary after `wait_s` seconds."""
        self.create()
        until = time.monotonic() + wait_s
        descriptor = _lock_file(self.path / "lock")
        try:
            while not _lock(descriptor):
                if time.monotonic() > until:
                    raise Temporary(
                        f"{self.path}: another process has been changing the proxy for {wait_s:g} s"
                    )
                await asyncio.sleep(_LOCK_POLL_S)
            yield
        finally:
            os.close(descriptor)


def discovery(found: Iterable[dict[str, Any]]) -> bytes:
    """A discovery response as Envoy reads it from a file. Its version is the hash of what it holds."""
    listed = list(found)
    version = hashlib.sha256(msgspec.json.encode(listed)).hexdigest()[:16]
    return msgspec.json.format(msgspec.json.encode({"version_info": version, "resources": listed}), indent=1)


def version_of(data: bytes) -> str:
    """The version of a discovery response, as Envoy will report it. Raises Permanent for what is none."""
    return _decoded(data, "a discovery response").version_info


def resources(file: Path) -> Resources:
    """What `file` holds; nothing when it is not there. Raises Permanent when it cannot be read."""
    try:
        return _decoded(file.read_bytes(), str(file)).resources
    except FileNotFoundError:
        return []


def content(file: Path) -> bytes | None:
    """The bytes of `file`, for putting them back; None when it is not there."""
    return file.read_bytes() if file.exists() else None


def size(file: Path) -> int:
    """The bytes in `file`; 0 when it is not there."""
    return file.stat().st_size if file.exists() else 0


def swap(file: Path, data: bytes) -> None:
    """Have `data` in `file`, durably: whoever reads it sees the old content or the new. Raises Temporary."""
    draft = file.with_name(f".{file.name}.draft")
    try:
        with open(draft, "wb", opener=owner_only) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
        _sync_folder(file.parent)
    except OSError as error:
        with contextlib.suppress(OSError):  # where nothing can be written, nothing can be removed either
            draft.unlink(missing_ok=True)
        raise Temporary(f"{file} cannot be written: {error.strerror or error}") from error


def restore(file: Path, data: bytes | None) -> None:
    """Put back what `content` returned."""
    if data is None:
        file.unlink(missing_ok=True)
    else:
        swap(file, data)


class _Response(msgspec.Struct):
    """A discovery response, as far as we look into it."""

    version_info: str
    resources: Resources


def _decoded(data: bytes, name: str) -> _Response:
    try:
        return msgspec.json.decode(data, type=_Response)
    except UNREADABLE as error:
        raise Permanent(
            f"{name} is not what Headgate wrote there ({why(error)}): move it away and deploy again"
        ) from error


def _applied(file: Path) -> Applied | None:
    """What the routes in `file` were built from; None without any. Raises Permanent."""
    found = resources(file)
    return applied_of(found[0], str(file)) if found else None


def _lock_file(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Temporary(f"{path} cannot be opened: {error.strerror or error}") from error


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
