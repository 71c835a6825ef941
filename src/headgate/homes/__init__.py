"""Where a home is, and where its sockets are. Light: what only reads a home starts with this and no more."""

import hashlib
import os
import stat
from pathlib import Path

from headgate.files import replace_file
from headgate.folders import PRIVATE, private_folder
from headgate.homes.identity import NAME, settle

HOME_VARIABLE = "HEADGATE_HOME"

MEMORY = Path("/dev/shm")  # noqa: S108 - below it a folder of our own, mode 0700, whose owner is checked
"""A file system of its own, in the machine's memory."""


def home_of(project_file: Path | None) -> Path:
    """The home: `HEADGATE_HOME`, or `.headgate` beside the project file, or in the current folder."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).absolute()
    beside = project_file.parent if project_file is not None else Path()
    return (beside / HOME_NAME).absolute()


def make_home(home: Path) -> None:
    """Have the folder there, for its owner only, and keep it out of the project's version control.

    Raises identity.Displaced when it is a copy of a home, or was moved, and closing.OpenHome.
    """
    make_private(home)
    settle(home)
    ignore = home / ".gitignore"
    if not ignore.exists():
        replace_file(ignore, b"*\n")


def ledger_of(home: Path) -> Path:
    """The ledger's file."""
    return home / "ledger.sqlite"


def lock_of(home: Path) -> Path:
    """The lock that the home's controller holds; its process id is in it."""
    return home / "controller.lock"


def people_of(home: Path) -> Path:
    """The file that says who comes in by the word of an issuer."""
    return home / "people.yaml"


def secrets_of(home: Path) -> Path:
    """The file in which the home's owner declares secrets for others to use."""
    return home / "secrets.yaml"


def sessions_of(home: Path) -> Path:
    """The file of who is signed in, by the digests of their sessions' names."""
    return home / "sessions.json"


def keys_of(home: Path) -> Path:
    """The file of what callers had done once, by the digests of their keys."""
    return home / "keys.json"


def hooks_of(home: Path) -> Path:
    """The folder of the secrets that hooks prove themselves by."""
    return home / "hooks"


def memory_folder(home: Path) -> Path | None:
    """A folder for this home in the machine's memory, for its owner only; None where there is no such place.

    Anybody may make things there: what somebody else has made in our name is not used.
    """
    parent = MEMORY / f"headgate-{os.getuid()}"
    folder = parent / hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    for path in (parent, folder):
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            found = path.lstat()
        except OSError:
            return None
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            return None
    return folder


def run_of(home: Path) -> Path:
    """The folder of what runs: sockets, locks, what each process wrote down of itself."""
    return home / "run"


def socket_of(home: Path) -> Path:
    """The socket of the owner's API, which the door serves.

    Connect to it by `unix_sockets`, for its path may be too long for an address.
    """
    return run_of(home) / "controller.sock"


def steering_of(home: Path) -> Path:
    """The socket at which the controller itself is asked: whoever listens there steers the home. See `socket_of`."""
    return steering_beside(socket_of(home))


def steering_beside(api: Path) -> Path:
    """The controller's own socket of the home whose API is at the socket `api`."""
    return api.with_name("steer.sock")


def proxy_socket_of(home: Path) -> Path:
    """The socket of the proxy's admin interface; as above."""
    return run_of(home) / "envoy.sock"


# A home is its owner's alone: made so whatever the umask is, and closed where others could enter.

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
