"""Everything that enters the store comes through here, from wherever it is read: checked, bounded, files first."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import IO, Literal

import msgspec

from headgate.ports import Permanent

EXCLUDED = frozenset({".git", ".hg", ".svn", ".headgate", "__pycache__"})
"""Never part of an artifact, at any depth: they differ from build to build while the content is the same."""

_CHUNK_BYTES = 1 << 20
_ZEROS = bytes(_CHUNK_BYTES)


class Limits(msgspec.Struct, frozen=True):
    """What an artifact may be at most: the size of all its files together, and the number of files and links."""

    size_max_bytes: int = 4 << 30
    files_max: int = 200_000


class Member(msgspec.Struct, frozen=True):
    """Something in a folder or an archive. `open` reads a file's content; `target` is where a link leads.

    `mode` are the permissions of a file or folder. `same_as` names an earlier file that is the very same (a hard link).
    A folder is `occupied` by what is in it, also by what is left out.
    """

    name: str
    kind: Literal["file", "link", "folder"]
    mode: int = 0o644
    target: str = ""
    same_as: str = ""
    occupied: bool = False
    open: Callable[[], IO[bytes]] | None = None


class Intake:
    """Writes members into the empty folder `root`. A member that has no place there raises Permanent, with its name."""

    def __init__(self, root: Path, limits: Limits, excluded: frozenset[str] = EXCLUDED) -> None:
        self._root = root
        self._limits = limits
        self._excluded = excluded
        self._size_bytes = 0
        self._seen: set[str] = set()
        self._links: list[tuple[Path, str]] = []
        self._folders: dict[PurePosixPath, int] = {}
        self._occupied: set[PurePosixPath] = set()
        self._written: set[PurePosixPath] = set()

    def take(self, members: Iterable[Member]) -> None:
        """Write all members, the links last: so nothing can be written through a link that an archive brought."""
        for member in members:
            if member.kind == "folder" and not PurePosixPath(member.name).parts:
                continue  # the tree itself, as `tar -C dist .` has it
            path = relative(member.name)
            self._occupied.update(path.parents)
            if self._excluded.isdisjoint(path.parts):
                self._take(member, path)
        self._make_folders()
        for place, target in self._links:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target)

    def _make_folders(self) -> None:
        """Those that are empty, and the modes of all, the innermost first: one may be closed to whoever writes.

        A folder of excluded things alone is none: whether it is there differs from build to build.
        """
        modes = dict.fromkeys(self._occupied - {PurePosixPath()}, 0o755) | self._folders
        for path, mode in sorted(modes.items(), key=lambda found: len(found[0].parts), reverse=True):
            place = self._root / path
            try:
                if path not in self._occupied:
                    place.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise Permanent(f"{path}: is a folder and a file at once; pack it again") from error
            if place.is_dir():
                place.chmod(mode & 0o777 | 0o700)

    def _take(self, member: Member, path: PurePosixPath) -> None:
        if member.kind == "folder":
            if path not in self._folders:
                self._count(f"{path}/")
            self._folders[path] = member.mode
            if member.occupied:
                self._occupied.add(path)
            return
        self._count(str(path))
        place = self._root / path
        if member.kind == "link":
            self._links.append((place, member.target))
            return
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise Permanent(f"{path}: lies inside something that is a file; pack it again") from error
        original = PurePosixPath(member.same_as)
        if member.same_as and original in self._written:
            place.hardlink_to(self._root / original)
        else:
            self._write(member, place, path)
        self._written.add(path)

    def _count(self, path: str) -> None:
        if path in self._seen:
            raise Permanent(
                f"{path}: is there twice, and which of the two is meant nobody knows; pack it again"
            )
        self._seen.add(path)
        if len(self._seen) > self._limits.files_max:
            raise Permanent(
                f"there are more than {self._limits.files_max} files and folders, the most an artifact may have"
            )

    def _write(self, member: Member, place: Path, path: PurePosixPath) -> None:
        assert member.open is not None, "a file can be opened"
        with member.open() as source, place.open("xb") as file:
            while chunk := source.read(_CHUNK_BYTES):
                self._size_bytes += len(chunk)
                if self._size_bytes > self._limits.size_max_bytes:
                    raise Permanent(
                        f"{path}: with it there are more than {self._limits.size_max_bytes} bytes unpacked, "
                        "the most an artifact may have"
                    )
                if chunk == _ZEROS[: len(chunk)]:
                    file.seek(len(chunk), os.SEEK_CUR)  # a hole stays one: it takes no room
                else:
                    file.write(chunk)
            file.truncate()
            os.fchmod(file.fileno(), member.mode & 0o777 | 0o600)


def relative(name: str) -> PurePosixPath:
    """A member's name as a path in the tree. Raises Permanent for one that is not in it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise Permanent(f"{name!r}: this name leaves the artifact; names must be relative and without '..'")
    return path
