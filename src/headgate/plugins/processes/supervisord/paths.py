"""Where a home's process daemon keeps its files."""

import os
from pathlib import Path

from headgate.folders import private_folder
from headgate.ports import Permanent


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
        self.down = (
            self.run / "down"
        )  # while it is there, the daemon was stopped on purpose: nobody revives it
        self.log = self.home / "log" / "supervisord.log"
        self._near = self.run / "supervisor.sock"
        self._noted = self.run / "supervisor.path"

    def create(self) -> None:
        """Make the folders, readable by their owner only. Raises Permanent for a path supervisor cannot work with."""
        if any(character in str(self.home) for character in "*?[]\n"):
            raise Permanent(
                f"the home {str(self.home)!r} must not have any of * ? [ ] or a line break in its path"
            )
        for folder in (self.run, self.programs, self.log.parent):
            private_folder(folder)

    def socket(self) -> Path:
        """The daemon's socket: in the home, unless a daemon of an earlier Headgate noted another place and runs on."""
        if not self._near.exists():
            try:
                return Path(self._noted.read_text().rstrip("\n"))
            except OSError:
                pass
        return self._near

    def take_socket(self) -> None:
        """Clear the way for a new daemon's socket. Only for whoever holds the daemon's lock."""
        self._near.unlink(missing_ok=True)
        self._noted.unlink(missing_ok=True)

    def place(self) -> str:
        """What tells this home from a copy of it: device and number of its folder. Empty where there is none."""
        try:
            found = self.run.stat()
        except OSError:
            return ""
        return f"{found.st_dev}:{found.st_ino}"
