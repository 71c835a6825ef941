"""The store itself: implements `ports.Artifacts` in a folder that several processes may share."""

import hashlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from headgate.core.model import Configuration
from headgate.folders import private_folder
from headgate.plugins.artifacts.folder.durable import discard, explained, locked, seal, sync, write_whole
from headgate.plugins.artifacts.folder.intake import Intake, Limits
from headgate.plugins.artifacts.folder.record import Record, chosen, is_digest
from headgate.plugins.artifacts.folder.sources import members
from headgate.plugins.artifacts.folder.tree import difference, scan
from headgate.ports import Artifact, Permanent, Provenance
from headgate.ports.errors import UNREADABLE, why

STALE_S = 24 * 3600.0
"""What lies in `incoming` for longer was left by a process that died; the next `put` clears it."""

_encode = msgspec.json.Encoder(order="sorted").encode


class FolderArtifacts:
    """Implements `ports.Artifacts` in the folder `root`, which is made when something is first put there.

    `limits` bound what one artifact may be. Methods block for as long as the disk needs.
    """

    def __init__(self, root: Path, *, limits: Limits | None = None, stale_s: float = STALE_S) -> None:
        self._trees = root / "trees"
        self._configurations = root / "configurations"
        self._incoming = root / "incoming"
        self._lock = root / "lock"
        self._limits = limits or Limits()
        self._stale_s = stale_s

    # --- artifacts -------------------------------------------------------------------------------------------------

    def put(self, source: Path, provenance: Provenance) -> Artifact:
        """See Artifacts. Names in EXCLUDED are left out. A stored tree that was damaged is replaced by the good one.

        Raises Permanent for what cannot be an artifact, Temporary when the disk is full; nothing is left then.
        """
        with explained(f"take {source} into the store of artifacts"):
            self._make_folders()
            self._sweep()
            new = Path(tempfile.mkdtemp(dir=self._incoming))
            try:
                return self._publish(new, self._build(new, source, provenance), provenance).artifact()
            finally:
                discard(new)

    def _make_folders(self) -> None:
        for folder in (self._trees, self._configurations, self._incoming):
            private_folder(folder)

    def _sweep(self) -> None:
        """Clear away what processes that died have left behind."""
        for left in self._incoming.iterdir():
            try:
                age_s = time.time() - left.stat().st_mtime
            except FileNotFoundError:  # its owner finished meanwhile
                continue
            if age_s > self._stale_s:
                discard(left)

    def _build(self, new: Path, source: Path, provenance: Provenance) -> Record:
        """Unpack, hash and seal a source in the folder `new`, complete with all that lies beside the tree."""
        content = new / "content"
        content.mkdir(mode=0o755)
        with members(source, self._limits) as found:
            Intake(content, self._limits).take(found)
        tree = scan(content)
        if not tree.files:
            raise Permanent(f"{source} has no files in it: an artifact of nothing cannot run")
        labels = {provenance.label: provenance.built_at}
        record = Record(tree.digest, tree.size_bytes, tree.files, provenance, labels)
        write_whole(new / "manifest", tree.manifest())
        write_whole(new / "record.json", _encode(record))
        seal(content)
        sync(new)
        return record

    def _publish(self, new: Path, record: Record, provenance: Provenance) -> Record:
        """Give the finished tree its name, or find that it is there already."""
        place = self._trees / record.digest
        with locked(self._lock):
            if place.exists():
                known = self._record(place) or record
                record = known.again(provenance)
                if self._broken(place) is None:
                    write_whole(place / "record.json", _encode(record))
                    return record
                write_whole(new / "record.json", _encode(record))
                self._retire(place)
            new.rename(place)
            sync(self._trees)
        return record

    def _retire(self, place: Path) -> None:
        """Take a tree out of sight at once, then remove it at leisure."""
        grave = Path(tempfile.mkdtemp(dir=self._incoming))
        place.rename(grave / place.name)
        sync(self._trees)
        discard(grave)

    def find(self, name: str) -> Artifact:
        """See Artifacts. A full digest always means itself, whatever labels there are."""
        with explained("look into the store of artifacts"):
            return chosen(name, self._records()).artifact()

    def verify(self, digest: str) -> Path:
        """See Artifacts. The error names the first path that differs."""
        place = self._place(digest)
        with explained(f"verify artifact {digest[:12]}"):
            broken = self._broken(place)
        if broken is not None:
            raise Permanent(
                f"artifact {digest[:12]} in {self._trees} is not what was built: {broken}; nothing may start from it. "
                "Build it again, or deploy another"
            )
        return place / "content"

    def list(self) -> tuple[Artifact, ...]:
        """See Artifacts."""
        with explained("look into the store of artifacts"):
            return tuple(record.artifact() for record in self._records())

    def remove(self, digest: str) -> None:
        """See Artifacts. Gone in one step, so that nobody finds half of it."""
        place = self._place(digest)
        with explained(f"remove artifact {digest[:12]}"):
            if not place.exists():
                return
            with locked(self._lock):
                if place.exists():
                    self._retire(place)

    def _place(self, digest: str) -> Path:
        if not is_digest(digest):
            raise Permanent(
                f"{digest!r} is not the full digest of an artifact: 64 digits, 0-9 and a-f; see `find`"
            )
        return self._trees / digest

    def _broken(self, place: Path) -> str | None:
        """How a stored tree differs from what its name says; None when it does not."""
        try:
            manifest = (place / "manifest").read_bytes()
        except FileNotFoundError:
            return "its manifest is missing" if place.exists() else "it is not in the store"
        if hashlib.sha256(manifest).hexdigest() != place.name:
            return "its manifest was changed"
        content = place / "content"
        if not content.is_dir() or content.is_symlink():
            return "its content is missing"
        try:
            return difference(manifest, scan(content))
        except Permanent as error:  # what has no place in a tree was not there when it was stored
            return f"{error}"

    def _records(self) -> tuple[Record, ...]:
        """Newest first."""
        records = [record for record in self._read_records() if record is not None]
        return tuple(sorted(records, key=lambda record: (record.newest_at, record.digest), reverse=True))

    def _read_records(self) -> Iterator[Record | None]:
        places = self._trees.iterdir() if self._trees.exists() else ()
        for place in places:
            yield self._record(place)

    def _record(self, place: Path) -> Record | None:
        """What was written beside a tree; None when that is gone, as when another process removes it right now."""
        try:
            return msgspec.json.decode((place / "record.json").read_bytes(), type=Record)
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            raise Permanent(
                f"{place / 'record.json'} cannot be read ({why(error)}): put its content in again"
            ) from error

    # --- configurations --------------------------------------------------------------------------------------------

    def put_configuration(self, configuration: Configuration) -> str:
        """See Artifacts. The hash is the SHA-256 of its JSON with all keys sorted."""
        content = _encode(configuration)
        if msgspec.json.decode(content, type=Configuration) != configuration:
            raise Permanent(
                "this configuration would not be read back as it is: it holds an infinity or a NaN"
            )
        digest = hashlib.sha256(content).hexdigest()
        place = self._configurations / f"{digest}.json"
        with explained("store a configuration"):
            self._make_folders()
            if not place.exists() or place.read_bytes() != content:
                write_whole(place, content)
        return digest

    def configuration(self, digest: str) -> Configuration:
        """See Artifacts."""
        if not is_digest(digest):
            raise Permanent(f"{digest!r} is not the hash of a configuration: 64 digits, 0-9 and a-f")
        place = self._configurations / f"{digest}.json"
        with explained(f"read configuration {digest[:8]}"):
            if not place.exists():
                raise Permanent(f"configuration {digest[:8]} is not in the store ({place}): put it in again")
            content = place.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise Permanent(
                f"configuration {digest[:8]} was changed: {place} has the SHA-256 {found}; put it in again"
            )
        try:
            return msgspec.json.decode(content, type=Configuration)
        except UNREADABLE as error:
            raise Permanent(
                f"configuration {digest[:8]} was written by another Headgate: {why(error)}"
            ) from error
