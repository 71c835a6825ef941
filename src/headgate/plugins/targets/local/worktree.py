"""An instance's working tree: a private, writable copy of the artifact, made and mended at each start.

What the artifact ships is there as it was released: what differs is put back, each file hashed as it is copied, so that
nothing else ever runs. What the application adds stays for as long as the instance exists, and so does a database that
it was shipped with (`DATA`). The artifact itself is never written: whatever an application does to its tree, the next
release and the way back start from what was built.

Folders that are `shared` lie outside of all versions, and are linked to. Only the standard library: `launch` starts
with this at each restart.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat

from headgate.folders import private_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

READ_BYTES = 1024 * 1024
_ZEROS = bytes(READ_BYTES)
_FICLONE = 0x40049409
"""Linux' request to share the blocks of another file, copied only when one is written (Btrfs, XFS): linux/fs.h."""

LOGS_MAX_BYTES = 10_000_000
"""As much of an application's own log files outlives its working tree."""

DATA = (".sqlite3", ".sqlite", ".db", ".db3", "-wal", "-shm", "-journal")
"""Names of databases end so. One that an artifact ships is the application's own from its first start on."""


class TreeChanged(Exception):  # noqa: N818 - a state of affairs, not a mistake of ours
    """The artifact is not what was released, or there is no way to have it run."""


def is_data(path: str) -> bool:
    """True for the name of a database."""
    return path.lower().endswith(DATA)


def leaves(root: str) -> "Iterator[tuple[str, str]]":
    """Every file and link of a tree: its path in it, and what it is (kind, may it be run, size, content).

    Raises OSError. Each file is read and hashed: linear in the size. Times, owners and folders do not matter.
    """
    for path, entry in _walk(root):
        if not entry.is_dir(follow_symlinks=False):
            yield path, _leaf(entry.path)


def bring(
    source: str, manifest: str, place: str, shared: "Mapping[str, str]", writable: "Sequence[str]" = ()
) -> None:
    """Have `place` hold what the artifact in `source` ships (`manifest` says what that is), and be written to.

    `shared` maps a path in the tree to where it lies outside; what the artifact ships there is only its beginning.
    Folders that are `writable` are made where they are missing. Raises TreeChanged, naming what differs, and OSError.
    """
    expected = _read(source, manifest)
    _refuse_files_in_the_way(expected, shared, writable)
    private_folder(place)
    for path, lies in shared.items():
        _begin_shared(source, path, lies, expected)
    kept = {path: what for path, what in expected.items() if not _is_in(path, shared)}
    for path, entry in _walk(source):
        at = _join(place, path)
        if entry.is_dir(follow_symlinks=False) and not _is_in(path, shared) and not os.path.lexists(at):
            _make_folder(place, path, stat.S_IMODE(entry.stat().st_mode) | stat.S_IRWXU)
    _copy_all(source, place, kept)
    for path in writable:
        if not os.path.isdir(_join(place, path)):  # noqa: PTH112 - as above
            _make_folder(place, path, 0o755)
    for path, lies in shared.items():
        _link(place, path, lies)


def discard(root: str) -> None:
    """Remove a tree, whatever modes an application has given to what is in it. Links are not followed."""
    for folder, inside, _ in os.walk(root):  # a folder that may not be read is not even walked: from above
        for name in (folder, *(_join(folder, name) for name in inside)):
            with contextlib.suppress(OSError):
                if not os.path.islink(name):  # noqa: PTH114 - pathlib would cost a third of our start
                    os.chmod(name, 0o700)  # noqa: PTH101 - as above
    shutil.rmtree(root, ignore_errors=True)


def keep_logs(root: str, place: str) -> None:
    """Move the log files that an application has written in its tree to the folder `place`, before the tree goes.

    Those of the tree itself, of `log` and of `logs`, the largest `LOGS_MAX_BYTES` in all, if they are files.
    """
    left = LOGS_MAX_BYTES
    for folder in (root, _join(root, "log"), _join(root, "logs")):
        if os.path.islink(folder):  # noqa: PTH114 - as above
            continue
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.name.endswith(".log") and entry.is_file(follow_symlinks=False):
                    left -= entry.stat().st_size
                    if left < 0:
                        return
                    private_folder(place)
                    os.replace(entry.path, _join(place, entry.name))  # noqa: PTH105 - as above


def _read(source: str, manifest: str) -> "dict[str, str]":
    try:
        with open(manifest, encoding="utf-8") as file:  # noqa: PTH123 - as above
            return dict(json.load(file))
    except (OSError, ValueError, TypeError) as error:
        raise TreeChanged(
            f"the artifact in {source} cannot be verified ({error}): nothing may start from it; build it again, "
            "or deploy another"
        ) from None


def _copy_all(source: str, place: str, expected: "Mapping[str, str]") -> None:
    """Put back what is not as it was shipped; what has several names in the artifact has them here, too."""
    linked: dict[tuple[int, int], str] = {}
    safe: set[str] = {
        ""
    }  # folders of the tree that are known to be folders, and no links that lead elsewhere
    for path, what in expected.items():
        at = _join(place, path)
        try:
            found = os.lstat(_join(source, path))
        except OSError:
            found = None
        names = (found.st_dev, found.st_ino) if found is not None and found.st_nlink > 1 else None
        if not _is_as(at, what) and not (is_data(path) and os.path.isfile(at)):  # noqa: PTH113 - as above
            folder = os.path.dirname(path)  # noqa: PTH120 - as above
            if folder not in safe:
                _make_folder(place, folder, 0o755)
                safe.add(folder)
            _put_back(source, path, what, at, linked.get(names) if names else None)
        if names is not None:
            linked.setdefault(names, at)


def _put_back(source: str, path: str, what: str, at: str, same_as: "str | None") -> None:
    if os.path.isdir(at) and not os.path.islink(at):  # noqa: PTH112, PTH114 - as above
        discard(at)
    # What is cut off in the middle is not as it was shipped, and is found at the next start: no draft where nothing is.
    draft = f"{at}.headgate-{os.getpid()}" if os.path.lexists(at) else at
    if draft != at:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)  # noqa: PTH108 - as above
    try:
        found = _copy(_join(source, path), draft, same_as)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        found = f"is missing ({error.strerror})" if isinstance(error, FileNotFoundError) else f"{error}"
    if found != what:
        with contextlib.suppress(OSError):
            os.unlink(draft)  # noqa: PTH108 - as above
        how = found if found.startswith("is missing") else "was changed"
        raise TreeChanged(
            f"the artifact in {source} is not what was released: {path} {how}; nothing may start from it; "
            "build it again, or deploy another"
        )
    if draft != at:
        os.replace(draft, at)  # noqa: PTH105 - as above


def _copy(source: str, draft: str, same_as: "str | None") -> str:
    """Copy a file or link to where nothing is yet; returns what it was (see `leaves`)."""
    if os.path.islink(source):  # noqa: PTH114 - as above
        target = os.readlink(source)  # noqa: PTH115 - as above
        os.symlink(target, draft)  # noqa: PTH211 - as above
        return f"link {target}"
    if same_as is not None:
        os.link(same_as, draft)
        return _leaf(source)
    origin = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(origin)
        if not stat.S_ISREG(found.st_mode):
            return "something else"
        copy = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            content = copy_content(origin, copy)
            os.fchmod(copy, stat.S_IMODE(found.st_mode) & 0o777 | stat.S_IWUSR)
        finally:
            os.close(copy)
    finally:
        os.close(origin)
    os.utime(draft, ns=(found.st_atime_ns, found.st_mtime_ns))
    return f"file {bool(found.st_mode & stat.S_IXUSR)} {found.st_size} {content}"


def copy_content(origin: int, copy: int) -> str:
    """Copy one open file to another, its holes as holes, sharing blocks where the disk can; returns its SHA-256."""
    try:
        fcntl.ioctl(copy, _FICLONE, origin)
        cloned = True
    except OSError:
        cloned = False
    content, size = hashlib.sha256(), 0
    while chunk := os.read(origin, READ_BYTES):
        content.update(chunk)
        size += len(chunk)
        if cloned or chunk == _ZEROS[: len(chunk)]:
            os.lseek(copy, size, os.SEEK_SET)
            continue
        while chunk:
            chunk = chunk[os.write(copy, chunk) :]
    os.ftruncate(copy, size)
    return content.hexdigest()


def _refuse_files_in_the_way(
    expected: "Mapping[str, str]", shared: "Mapping[str, str]", writable: "Sequence[str]"
) -> None:
    """What the artifact ships as a file or a link cannot be a folder as well."""
    for key, paths in (("shared", shared), ("writable", writable)):
        for path in paths:
            parts = path.split("/")
            above = ["/".join(parts[:count]) for count in range(1, len(parts))]
            own = [path] if key == "writable" and expected.get(path, "").startswith("file") else []
            for one in (*above, *own):
                if one in expected:
                    raise TreeChanged(
                        f"`{key}: {path}`: `{one}` is a {expected[one].split()[0]} in the artifact"
                    )


def _begin_shared(source: str, path: str, lies: str, expected: "Mapping[str, str]") -> None:
    """Have what is shared exist: as the artifact ships it, or empty. A database begins with whoever opens it."""
    if os.path.lexists(lies):
        return
    private_folder(os.path.dirname(lies))  # noqa: PTH120 - as above
    shipped = {at: what for at, what in expected.items() if _is_in(at, (path,))}
    draft = f"{lies}.headgate-{os.getpid()}"
    discard(draft)
    if path in shipped:
        _put_back(source, path, shipped[path], draft, None)
    elif shipped or not is_data(path):
        os.mkdir(draft, mode=0o700)  # noqa: PTH102 - as above
        for at, what in shipped.items():
            inside = os.path.relpath(at, path)
            if os.path.dirname(inside):  # noqa: PTH120 - as above
                _make_folder(draft, os.path.dirname(inside), 0o755)  # noqa: PTH120 - as above
            _put_back(source, at, what, _join(draft, inside), None)
    else:
        return
    try:
        os.rename(draft, lies)  # noqa: PTH104 - as above
    except OSError:  # another instance was quicker
        discard(draft)
        if not os.path.lexists(lies):
            raise


def _link(place: str, path: str, lies: str) -> None:
    at = _join(place, path)
    if os.path.islink(at) and os.readlink(at) == lies:  # noqa: PTH114, PTH115 - as above
        return
    parent = os.path.dirname(path)  # noqa: PTH120 - as above
    if parent:
        _make_folder(place, parent, 0o755)
    if os.path.isdir(at) and not os.path.islink(at):  # noqa: PTH112, PTH114 - as above
        discard(at)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(at)  # noqa: PTH108 - as above
    os.symlink(lies, at)  # noqa: PTH211 - as above


def _make_folder(place: str, path: str, mode: int) -> None:
    """A folder in the tree, by way of folders only: a link or a file where one should be is taken away."""
    at = place
    for part in path.split("/"):
        at = _join(at, part)
        if os.path.isdir(at) and not os.path.islink(at):  # noqa: PTH112, PTH114 - as above
            continue
        with contextlib.suppress(FileNotFoundError):
            os.unlink(at)  # noqa: PTH108 - as above
        os.mkdir(at)  # noqa: PTH102 - as above
        os.chmod(at, mode)  # noqa: PTH101 - as above


def _is_as(path: str, what: str) -> bool:
    try:
        return _leaf(path) == what
    except OSError:
        return False


def _is_in(path: str, folders: "Mapping[str, str] | Sequence[str]") -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _walk(root: str) -> "Iterator[tuple[str, os.DirEntry[str]]]":
    """Everything in a tree, folders before what is in them."""
    folders = [(root, "")]
    while folders:
        folder, prefix = folders.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                yield prefix + entry.name, entry
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, f"{prefix}{entry.name}/"))


def _leaf(path: str) -> str:
    if os.path.islink(path):  # noqa: PTH114 - as above
        return f"link {os.readlink(path)}"  # noqa: PTH115 - as above
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return "something else"
        content = hashlib.sha256()
        while chunk := os.read(descriptor, READ_BYTES):
            content.update(chunk)
    finally:
        os.close(descriptor)
    return f"file {bool(found.st_mode & stat.S_IXUSR)} {found.st_size} {content.hexdigest()}"


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}"
