"""A tree and its digest.

The digest is the SHA-256 of the manifest: a line `headgate tree 1`, then one line of JSON for each file, link and
empty folder, sorted by the UTF-8 bytes of the path (relative, `/` between its parts):

    ["file",PATH,EXECUTABLE,SIZE,SHA256]      EXECUTABLE: may its owner execute it? true or false
    ["link",PATH,TARGET]                      a symbolic link, by its text
    ["folder",PATH]                           one with nothing in it: others are implied by what they hold

Times, owners, other permissions, hard links and the order in an archive do not matter to it. Who may read and execute
what, and which names are one file, is kept all the same, as it was when the content came in first.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from headgate.ports import Permanent
from headgate.ports.errors import UNREADABLE

_HEADER = b"headgate tree 1\n"
_LENGTHS = {"file": 5, "link": 3, "folder": 2}
_encode = msgspec.json.Encoder().encode


class Leaf(msgspec.Struct, frozen=True):
    """A file, link or empty folder: its path, and all else that the digest covers. Only files have `size_bytes`."""

    path: str
    kind: Literal["file", "link", "folder"]
    executable: bool = False
    size_bytes: int = 0
    content: str = ""

    def line(self) -> bytes:
        """Its line in the manifest. `content` is the SHA-256 of a file, the target of a link."""
        if self.kind == "link":
            return _encode(("link", self.path, self.content)) + b"\n"
        if self.kind == "folder":
            return _encode(("folder", self.path)) + b"\n"
        return _encode(("file", self.path, self.executable, self.size_bytes, self.content)) + b"\n"


class Tree(msgspec.Struct, frozen=True):
    """All leaves of a tree, sorted by path."""

    leaves: tuple[Leaf, ...]

    def manifest(self) -> bytes:
        """What the digest is the SHA-256 of."""
        return _HEADER + b"".join(leaf.line() for leaf in self.leaves)

    @property
    def digest(self) -> str:
        """64 hex digits."""
        return hashlib.sha256(self.manifest()).hexdigest()

    @property
    def files(self) -> int:
        """How many files and links there are."""
        return sum(leaf.kind != "folder" for leaf in self.leaves)

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(leaf.size_bytes for leaf in self.leaves)


def scan(root: Path) -> Tree:
    """Read and hash everything under `root`.

    Raises Permanent for what has no place in an artifact: a link that leaves the tree, a device, a name that is not
    UTF-8.
    """
    real = os.path.realpath(root)
    leaves = [_leaf(real, entry, path) for entry, path in walk(root) if _counts(entry)]
    return Tree(tuple(sorted(leaves, key=lambda leaf: leaf.path.encode())))


def walk(root: Path, skip: frozenset[str] = frozenset()) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Everything under `root`, with its relative path; names in `skip` are left out everywhere."""
    folders = [(str(root), "")]
    while folders:
        folder, prefix = folders.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name in skip:
                    continue
                path = prefix + _utf8(entry.name, prefix)
                yield entry, path
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, f"{path}/"))


def _counts(entry: os.DirEntry[str]) -> bool:
    """Whether it has a line of its own."""
    return not entry.is_dir(follow_symlinks=False) or is_empty(entry.path)


def is_empty(folder: str) -> bool:
    """True when there is nothing at all in it."""
    with os.scandir(folder) as inside:
        return next(inside, None) is None


def _utf8(name: str, prefix: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise Permanent(
            f"{prefix}{os.fsencode(name)!r}: names in an artifact must be UTF-8; rename it"
        ) from error
    return name


def _leaf(root: str, entry: os.DirEntry[str], path: str) -> Leaf:
    if entry.is_dir(follow_symlinks=False):
        return Leaf(path, "folder")
    if entry.is_symlink():
        target = os.readlink(entry.path)  # noqa: PTH115 - its text as it is: Path would tidy it
        check_link(root, path, target)
        return Leaf(path, "link", content=target)
    # Not followed and not waited for, should it have become a link or a pipe since it was listed.
    with os.fdopen(os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Permanent(f"{path}: a device, socket or pipe has no place in an artifact; leave it out")
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return Leaf(path, "file", bool(status.st_mode & stat.S_IXUSR), status.st_size, content)


def check_link(root: str, path: str, target: str) -> None:
    """Refuse a link that leaves the tree, whether by its text or by way of other links. Raises Permanent."""
    _utf8(target, f"{path} -> ")
    place = os.path.realpath(os.path.join(root, os.path.dirname(path), target))  # noqa: PTH118, PTH120 - text, many times
    if os.path.isabs(target) or not (place == root or place.startswith(f"{root}/")):  # noqa: PTH117 - as above
        raise Permanent(
            f"{path}: this link leaves the artifact (to {target}); make it relative, copy what it names, or, where "
            f"versions are to share it, leave it out and write `shared: [{path}]`"
        )


def difference(manifest: bytes, found: Tree) -> str | None:
    """The first path, in order, in which `found` differs from a manifest, as a sentence; None when none does.

    Raises Permanent for what is no manifest.
    """
    expected = dict(_lines(manifest))
    present = {leaf.path: leaf.line() for leaf in found.leaves}
    for path in sorted(expected.keys() | present.keys(), key=str.encode):
        if path not in present:
            return f"{path} is missing"
        if path not in expected:
            return f"{path} was added"
        if present[path] != expected[path]:
            return f"{path} was changed ({_what(expected[path], present[path])})"
    return None


def _lines(manifest: bytes) -> Iterator[tuple[str, bytes]]:
    for line in manifest.removeprefix(_HEADER).splitlines(keepends=True):
        yield str(_parts(line)[1]), line


def _parts(line: bytes) -> list[object]:
    """What a line of a manifest says. Raises Permanent for what is none."""
    try:
        parts = msgspec.json.decode(line, type=list[object])
    except UNREADABLE as error:
        raise Permanent(f"a line of its manifest cannot be read: {error}") from None
    if _LENGTHS.get(str(parts[0]) if parts else "") != len(parts):
        raise Permanent(f"a line of its manifest is none: {line[:80]!r}")
    return parts


def _what(expected: bytes, present: bytes) -> str:
    old, new = _parts(expected), _parts(present)
    if old[0] != new[0]:
        return f"it was a {old[0]} and is a {new[0]}"
    if old[0] == "link":
        return f"it led to {old[2]} and leads to {new[2]}"
    if old[3:] == new[3:]:
        return "it was executable and is not" if old[2] else "it was not executable and is"
    return f"its SHA-256 was {old[4]} and is {new[4]}"
