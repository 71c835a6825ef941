"""Folders that an application writes: those that shall outlive a release, and those it needs at its start."""

import re
from collections.abc import Iterator
from pathlib import Path

from headgate.config.data_files import DATABASES
from headgate.config.detection.found import files_below, text_of
from headgate.config.detection.ruby import is_rails

_UPLOADS = (
    "uploads",
    "public/uploads",
    "public/system",
    "media",
    "storage",
    "data/uploads",
    "wp-content/uploads",
)


def look(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What to share and what must be writable, each once and none inside another."""
    shared: list[str] = []
    for path in sorted({*_shared(folder)}):
        if not any(path == one or path.startswith(f"{one}/") for one in shared):
            shared.append(path)
    writable = [path for path in dict.fromkeys(_writable(folder)) if not _in(path, shared)]
    return tuple(shared), tuple(writable)


def _in(path: str, folders: list[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in folders)


def _shared(folder: Path) -> Iterator[str]:
    yield from (path for path in _UPLOADS if (folder / path).is_dir())
    if is_rails(folder):
        if (folder / "config" / "storage.yml").is_file():
            yield "storage"
        yield from _databases(text_of(folder / "config" / "database.yml"), "production")
    if (folder / "artisan").is_file():
        yield "storage"
        if "sqlite" in text_of(folder / ".env"):
            yield "database/database.sqlite"
    if (folder / "wp-content").is_dir() or (folder / "wp-config.php").is_file():
        yield "wp-content/uploads"
    if (folder / "manage.py").is_file():
        for path in files_below(folder, "*/settings*.py") + files_below(folder, "*/settings/*.py"):
            text = text_of(path)
            media = re.search(r"MEDIA_ROOT\s*=.*?[\"']([\w./-]+)[\"']", text)
            if media and not media[1].startswith("/"):
                yield media[1].strip("/")
            if "django.db.backends.sqlite3" in text:
                found = re.findall(r"[\"']([\w-][\w./-]*\.(?:sqlite3?|db))[\"']", text)
                yield from (one for one in found if not one.startswith("django."))
    yield from (path.name for path in files_below(folder, "*") if path.suffix.lower() in DATABASES)


def _databases(text: str, environment: str) -> Iterator[str]:
    """The files of SQLite that a Rails database.yml names for an environment."""
    section = text.partition(f"\n{environment}:")[2]
    section = re.split(r"\n(?=\w)", section)[0]
    for path in re.findall(r"database:\s*[\"']?([\w./-]+\.sqlite3?)", section):
        yield path if not path.startswith("storage/") else "storage"


def _writable(folder: Path) -> Iterator[str]:
    if is_rails(folder):
        yield from ("tmp/pids", "tmp/cache", "log")
    if (folder / "artisan").is_file():
        yield "bootstrap/cache"
    if (folder / "bin" / "console").is_file() and (folder / "symfony.lock").is_file():
        yield from ("var/cache", "var/log")
    ignored = {line.strip().strip("/") for line in text_of(folder / ".gitignore").splitlines()}
    yield from (path for path in ("tmp", "tmp/pids", "log", "logs") if path in ignored)
