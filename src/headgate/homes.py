"""Where a home is, and where its sockets are. Light: what only reads a home starts with this and no more."""

import contextlib
import hashlib
import os
import socket
import stat
from pathlib import Path

HOME_VARIABLE = "HEADGATE_HOME"
HOME_NAME = ".headgate"

API_SOCKET = "controller.sock"
STEERING_SOCKET = "steer.sock"

SOCKET_BYTES_MAX = 100
"""A unix socket's path may have 107 bytes."""


def home_of(project_file: Path | None) -> Path:
    """The home: `HEADGATE_HOME`, or `.headgate` beside the project file, or in the current folder."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).absolute()
    beside = project_file.parent if project_file is not None else Path()
    return (beside / HOME_NAME).absolute()


def make_home(home: Path) -> None:
    """Make the folder, for its owner only, and keep it out of the project's version control."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = home / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def ledger_of(home: Path) -> Path:
    """The ledger's file."""
    return home / "ledger.sqlite"


def lock_of(home: Path) -> Path:
    """The lock that the home's controller holds; its process id is in it."""
    return home / "controller.lock"


def people_of(home: Path) -> Path:
    """The file that says who comes in by the word of an issuer."""
    return home / "people.yaml"


def hooks_of(home: Path) -> Path:
    """The folder of the secrets that hooks prove themselves by."""
    return home / "hooks"


def socket_of(home: Path) -> Path:
    """The socket of the owner's API, which the door serves: in the home, or elsewhere where that path is too long.

    Makes nothing: where there is no controller there need not even be a folder.
    """
    return _socket(home, API_SOCKET)


def steering_of(home: Path) -> Path:
    """The socket at which the controller itself is asked: whoever listens there steers the home. See `socket_of`."""
    return _socket(home, STEERING_SOCKET)


def steering_beside(api: Path) -> Path:
    """The controller's own socket of the home whose API is at the socket `api`."""
    return api.with_name(STEERING_SOCKET)


def _socket(home: Path, name: str) -> Path:
    """In the home, or in a folder of our own where the home's path is too long for a socket."""
    near = home / name
    if len(os.fsencode(home / API_SOCKET)) <= SOCKET_BYTES_MAX:
        return near
    return _short_root() / _short_name(home.resolve()) / name


def socket_folders(home: Path) -> frozenset[Path]:
    """Where the home's sockets may be when they are not in it: of the controller, the proxy and the process daemon.

    Usually one folder; two where the home is reached by a link, which only the process daemon does not follow.
    """
    names = {_short_name(home.resolve()), _short_name(Path(os.path.abspath(home)))}  # noqa: PTH100 - as it says
    return frozenset(_short_root() / name for name in names)


def sweep_sockets(home: Path) -> None:
    """Remove the folders of ours that hold nothing but sockets at which nobody listens; leave any other."""
    for folder in socket_folders(home):
        _sweep(folder)


def listens(path: Path) -> bool:
    """True when somebody answers at the socket."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _sweep(folder: Path) -> None:
    with contextlib.suppress(OSError):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return
        left = list(folder.iterdir())
        if all(path.is_socket() and not path.is_symlink() and not listens(path) for path in left):
            for path in left:
                path.unlink(missing_ok=True)
            folder.rmdir()


def _short_root() -> Path:
    return Path("/tmp") / f"headgate-{os.getuid()}"  # noqa: S108 - the folder is ours alone, mode 0700


def _short_name(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
