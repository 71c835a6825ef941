"""Where a home's process daemon keeps its files."""

import hashlib
import os
import stat
from pathlib import Path

from headgate.ports import Permanent

SOCKET_BYTES_MAX = 90
"""A unix socket's path may have 107 bytes; supervisor binds a temporary name first, which is up to 11 longer."""

SHORT_ROOT = Path("/tmp")  # noqa: S108 - below it a folder of our own, mode 0700, whose owner is checked
"""Not `$XDG_RUNTIME_DIR`: that goes when its user logs out, and the daemon stays. Live sockets in /tmp stay, too."""


class Paths:
    """The files of the daemon of `home`. Nothing is created by asking."""

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.abspath(home))  # noqa: PTH100 - resolve() would follow links: two names for one home
        self.run = self.home / "run"
        self.programs = self.run / "programs"
        self.configuration = self.run / "supervisord.conf"
        self.lock = self.run / "supervisord.lock"
        self.programs_lock = self.run / "programs.lock"
        self.pid = self.run / "supervisord.pid"
        self.socket_name = self.run / "supervisor.path"
        self.log = self.home / "log" / "supervisord.log"

    def create(self) -> None:
        """Make the folders, readable by their owner only. Raises Permanent for a path supervisor cannot work with."""
        if any(character in str(self.home) for character in "*?[]\n"):
            raise Permanent(
                f"the home {str(self.home)!r} must not have any of * ? [ ] or a line break in its path"
            )
        for folder in (self.run, self.programs, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def socket(self) -> Path:
        """The daemon's socket, as the daemon that started last has written down."""
        try:
            return Path(self.socket_name.read_text().rstrip("\n"))
        except FileNotFoundError:
            return self.run / "supervisor.sock"

    def choose_socket(self) -> Path:
        """Where the daemon shall listen: in the home, or in a short folder when the home's path is too long."""
        near = self.run / "supervisor.sock"
        if len(os.fsencode(near)) <= SOCKET_BYTES_MAX and _is_plain(str(near)):
            return near
        root = own_folder(SHORT_ROOT / f"headgate-{os.getuid()}")
        return own_folder(root / hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]) / "supervisor.sock"


def own_folder(folder: Path) -> Path:
    """`folder`, made if it is missing, closed to others. Raises Permanent when it is somebody else's, or a link."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Permanent(
            f"{folder} is not a folder of this user; remove it, or give Headgate a home with a shorter path"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
    return folder


def _is_plain(path: str) -> bool:
    """True when supervisor's configuration can hold `path` as it is."""
    return (
        path.isascii() and path.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum()
    )
