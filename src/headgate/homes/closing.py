"""A home is its owner's alone: made so whatever the umask is, and closed where others could enter."""

import os
import stat
from pathlib import Path

from headgate.folders import PRIVATE, private_folder
from headgate.homes.identity import NAME

HOME_NAME = ".headgate"
OTHERS = 0o077
_OURS = (NAME, "ledger.sqlite", "artifacts", "run")
"""What only a home has."""


class OpenHome(Exception):  # noqa: N818 - a fact about the home
    """Others could enter the home, and it is not ours to close. The message says what to do."""


def make_private(home: Path) -> None:
    """Have the folder there, for its owner only. Raises OpenHome, OSError.

    One that others may enter is closed if it is a home, or empty. In any other folder somebody keeps something else,
    which closing it would take away from them.
    """
    private_folder(home)
    found = home.stat()
    if not stat.S_IMODE(found.st_mode) & OTHERS:
        return
    mend = f"`chmod 700 {home}`, or another folder by --home or HEADGATE_HOME"
    is_home = home.name == HOME_NAME or any((home / name).exists() for name in _OURS)
    if not is_home and any(home.iterdir()):
        raise OpenHome(
            f"{home} can be entered by others ({stat.S_IMODE(found.st_mode):o}), and holds other things than a home's: "
            f"it is not closed to them without a word; {mend}"
        )
    try:
        os.chmod(home, PRIVATE)  # noqa: PTH101 - a link to a home is followed, as everywhere
    except PermissionError:
        raise OpenHome(
            f"{home} can be entered by others ({stat.S_IMODE(found.st_mode):o}), and belongs to somebody else "
            f"(user {found.st_uid}): use one of your own, by --home or HEADGATE_HOME"
        ) from None
