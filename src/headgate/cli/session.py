"""The session of a command: its project file, home and ledger, each looked for when it is first asked for."""

import getpass
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.cli.errors import Unable

if TYPE_CHECKING:
    from headgate.config import Project
    from headgate.ledger import Ledger

PROJECT_FILE = "headgate.yaml"


class Session:
    """What every verb is given. `file` and `home` are what the command line names, if it does."""

    def __init__(self, file: Path | None = None, home: Path | None = None) -> None:
        self._file = file
        self._home = home

    @cached_property
    def project_file(self) -> Path | None:
        """The project file: the one that was named, or the nearest one here or above; None when there is none."""
        if self._file is not None:
            return self._file.absolute()
        here = Path.cwd()
        return next((found for at in (here, *here.parents) if (found := at / PROJECT_FILE).is_file()), None)

    @cached_property
    def home(self) -> Path:
        """The home: `--home`, `HEADGATE_HOME`, or `.headgate` beside the project file."""
        from headgate.homes import home_of

        return self._home.absolute() if self._home is not None else home_of(self.project_file)

    @property
    def root(self) -> Path:
        """The folder of the project. Raises Unable when there is no project."""
        return self.need_file().parent

    def need_file(self) -> Path:
        """The project file. Raises Unable when there is none."""
        if self.project_file is None:
            raise Unable(
                f"there is no {PROJECT_FILE} here ({Path.cwd()}) or above",
                "`headgate init` writes one; `headgate -f FILE` names one that is elsewhere",
            )
        return self.project_file

    @cached_property
    def project(self) -> "Project":
        """The checked project. Raises ConfigError with all that is wrong with it."""
        from headgate.config import load

        file = self.need_file()
        try:
            shown = file.relative_to(Path.cwd())
        except ValueError:
            shown = file
        return load(shown)

    @cached_property
    def ledger(self) -> "Ledger":
        """The home's ledger, for reading. Raises LedgerMissing."""
        from headgate.cli.home import open_ledger

        return open_ledger(self.home)

    @property
    def has_ledger(self) -> bool:
        """True when anything was ever asked of this home."""
        from headgate.ledger import LedgerMissing

        try:
            _ = self.ledger
        except LedgerMissing:
            return False
        return True

    def close(self) -> None:
        """Let go of the ledger."""
        ledger = self.__dict__.get("ledger")
        if ledger is not None:
            ledger.close()


def person() -> str:
    """Who types this: goes on record with what they ask."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return f"uid{os.getuid()}"
