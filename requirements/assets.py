"""Fetches the dashboard's scripts and styles, checks them against requirements/assets.lock, puts them in place.

    python requirements/assets.py         fetch what is missing; says what it did
    python requirements/assets.py check   exit code 1 when anything is missing

They come by `npm pack`, which runs nothing of theirs. Where there is no npm, the dashboard is served without them: each
page can be read, and every button pressed, without JavaScript.
"""

import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "assets.lock"
FOLDERS = {"static": ROOT / "src/headgate/web/pages/static/vendor", "tests": ROOT / ".tools/web"}
PACK_S = 120
FILE_MAX_BYTES = 8 * 1024 * 1024


class RefusedError(Exception):
    """What was fetched is not what was pinned."""


class UnreachableError(Exception):
    """It could not be fetched now."""


@dataclass
class Package:
    """One line of the lock and the files below it: (folder, path in the package)."""

    name: str
    version: str
    integrity: str
    files: list[tuple[str, str]] = field(default_factory=list)

    @property
    def places(self) -> list[tuple[str, Path]]:
        """Each file's path in the package and here."""
        return [(path, FOLDERS[folder] / Path(path).name) for folder, path in self.files]

    @property
    def marker(self) -> Path:
        """Says which integrity the files here have come from."""
        return ROOT / ".tools" / "web" / f"{self.name}.integrity"

    @property
    def complete(self) -> bool:
        """Whether every file is here, from this very package."""
        known = self.marker.read_text() if self.marker.exists() else ""
        return known == self.integrity and all(place.exists() for _, place in self.places)


def read_lock() -> list[Package]:
    """The packages of the lock."""
    packages: list[Package] = []
    for line in LOCK.read_text().splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if line.startswith(" "):
            folder, path = words
            packages[-1].files.append((folder, path))
        else:
            name, version, integrity = words
            packages.append(Package(name, version, integrity))
    return packages


def fetch(package: Package, folder: Path) -> bytes:
    """The package's archive. Raises RefusedError, UnreachableError."""
    command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PACK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnreachableError(f"npm pack {package.name}: {error}") from error
    if done.returncode:
        raise UnreachableError(f"npm pack {package.name} failed: {done.stderr.strip()[-500:]}")
    content = (folder / done.stdout.split()[-1]).read_bytes()
    algorithm, _, expected = package.integrity.partition("-")
    found = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
    if found != expected:
        raise RefusedError(
            f"{package.name} {package.version} is not what was pinned: its {algorithm} is {found}"
        )
    return content


def unpack(package: Package, content: bytes) -> None:
    """Put the wanted files where they belong."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for path, place in package.places:
            member = archive.extractfile(f"package/{path}")
            if member is None:
                raise RefusedError(f"{package.name} {package.version} has no file {path}")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(member.read(FILE_MAX_BYTES))
    package.marker.parent.mkdir(parents=True, exist_ok=True)
    package.marker.write_text(package.integrity)


def without(names: str, why: str) -> int:
    """Say what is missing. It is no failure: nothing but the dashboard's liveliness depends on it."""
    print(f"headgate: the dashboard goes without {names}: {why}")
    print("headgate: its pages and buttons work without JavaScript, but are not live and draw no charts")
    return 0


def main(words: list[str]) -> int:
    """Returns the exit code."""
    missing = [package for package in read_lock() if not package.complete]
    if words == ["check"] or not missing:
        return int(bool(missing))
    names = ", ".join(f"{package.name} {package.version}" for package in missing)
    if shutil.which("npm") is None:
        return without(
            names, "there is no npm (on Debian and Ubuntu: apt-get install npm; then `make setup` again)"
        )
    print(f"headgate: fetching {names} for the dashboard")
    with tempfile.TemporaryDirectory() as folder:
        for package in missing:
            try:
                unpack(package, fetch(package, Path(folder)))
            except UnreachableError as error:
                return without(names, str(error))
            except RefusedError as error:
                print(f"headgate: error: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
