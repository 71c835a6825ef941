"""What an artifact can be made of: a folder, a zip or wheel, a tar; each read as members, none trusted."""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, cast

from headgate.plugins.artifacts.folder.intake import EXCLUDED, Limits, Member
from headgate.plugins.artifacts.folder.tree import is_empty, walk
from headgate.ports import Permanent

_READ_MAX_BYTES = 16 << 20
_LINK_MAX_BYTES = 4096

_ZIPS = (".zip", ".whl")
_TARS = {
    ".tar": None,
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.xz": lzma.open,
    ".txz": lzma.open,
    ".tar.bz2": bz2.open,
}


@contextmanager
def members(source: Path, limits: Limits) -> Generator[Iterator[Member]]:
    """Everything in `source`, one by one: read each before asking for the next.

    Raises Permanent for a kind of source that is not known, for a damaged one, and for members that are neither
    files, links nor folders.
    """
    name = source.name.lower()
    try:
        if source.is_dir():
            yield _folder(source)
        elif not source.exists():
            raise Permanent(f"{source} does not exist: build it first, or name a folder, wheel or archive")
        elif name.endswith(_ZIPS):
            with zipfile.ZipFile(source) as archive:
                yield _zip(archive, limits)
        elif suffix := next((suffix for suffix in _TARS if name.endswith(suffix)), None):
            with _tar_file(source, suffix) as file, tarfile.open(fileobj=file, mode="r:") as archive:
                yield _tar(archive, file, limits)
        else:
            known = ", ".join((*_ZIPS, *_TARS))
            raise Permanent(f"{source} is neither a folder nor an archive of a known kind ({known})")
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        lzma.LZMAError,
        zlib.error,
        EOFError,
        gzip.BadGzipFile,
    ) as error:
        raise Permanent(f"{source} is damaged, or is not what its name says: {error}") from error
    except (RuntimeError, NotImplementedError) as error:
        raise Permanent(f"{source} cannot be unpacked: {error}") from error


def _folder(source: Path) -> Iterator[Member]:
    linked: dict[tuple[int, int], str] = {}
    for entry, path in walk(source, EXCLUDED):
        found = entry.stat(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False):
            yield Member(path, "folder", found.st_mode, occupied=not is_empty(entry.path))
        elif entry.is_symlink():
            target = os.readlink(entry.path)  # noqa: PTH115 - its text as it is: Path would tidy it
            yield Member(path, "link", target=target)
        elif entry.is_file(follow_symlinks=False):
            first = linked.setdefault((found.st_dev, found.st_ino), path) if found.st_nlink > 1 else path
            same_as = first if first != path else ""
            yield Member(
                path, "file", found.st_mode, same_as=same_as, open=partial(_opened, Path(entry.path))
            )
        else:
            raise _special(path)


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _zip(archive: zipfile.ZipFile, limits: Limits) -> Iterator[Member]:
    listed = archive.infolist()
    if len(listed) > 2 * limits.files_max:
        raise Permanent(f"there are {len(listed)} entries; an artifact may have {limits.files_max} files")
    for info in listed:
        mode = info.external_attr >> 16  # Unix' own; 0 from other systems
        kind = stat.S_IFMT(mode)
        if info.is_dir():
            yield Member(info.filename, "folder", mode or 0o755)
        elif kind == stat.S_IFLNK:
            with archive.open(info) as file:
                yield Member(info.filename, "link", target=os.fsdecode(file.read(_LINK_MAX_BYTES)))
        elif kind in (0, stat.S_IFREG):
            yield Member(info.filename, "file", mode or 0o644, open=partial(archive.open, info))
        else:
            raise _special(info.filename)


def _tar(archive: tarfile.TarFile, file: IO[bytes], limits: Limits) -> Iterator[Member]:
    for info in archive:
        if info.isdir():
            yield Member(info.name, "folder", info.mode)
        elif info.issym():
            yield Member(info.name, "link", target=info.linkname)
        elif info.isreg() or info.islnk():
            same_as = info.linkname if info.islnk() else ""
            yield Member(info.name, "file", info.mode, same_as=same_as, open=partial(_extract, archive, info))
        else:
            raise _special(info.name)
    _read_out(file, limits.size_max_bytes)


def _read_out(file: IO[bytes], limit_bytes: int) -> None:
    """Read what follows the last member: only at its very end does a compressed file tell whether it is whole."""
    while padding := file.read(_READ_MAX_BYTES):
        limit_bytes -= len(padding)
        if limit_bytes < 0:
            raise Permanent("the archive goes on after its end; this is no archive to trust")


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    try:
        file = archive.extractfile(info)
    except (KeyError, RecursionError) as error:
        raise Permanent(
            f"{info.name}: a hard link to {info.linkname}, which is not in the archive"
        ) from error
    if file is None:
        raise Permanent(f"{info.name}: a hard link to {info.linkname}, which is not a file")
    return file


def _special(name: str) -> Permanent:
    return Permanent(f"{name}: a device, socket or pipe has no place in an artifact; leave it out")


class _Portions(io.RawIOBase):
    """A file that refuses to be read in one huge piece: a header of a tar can ask for any amount of memory."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _READ_MAX_BYTES:
            raise Permanent(f"a header in the archive has {size} bytes; this is no archive to trust")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@contextmanager
def _tar_file(source: Path, suffix: str) -> Generator[IO[bytes]]:
    opened = _TARS[suffix]
    with source.open("rb") if opened is None else opened(source, "rb") as file:
        yield cast("IO[bytes]", _Portions(cast("IO[bytes]", file)))
