"""Where a home and its ledger are: what `wiring` says, for commands that only read and must start at once.

`wiring` loads the controller, the proxy's adapter and the web server to answer the same questions; a test holds the
two together.
"""

import hashlib
import os
from pathlib import Path

from headgate.ledger import Ledger, SqliteLedger

_SOCKET_BYTES_MAX = 100


def home_of(project_file: Path | None) -> Path:
    """The home: `HEADGATE_HOME`, or `.headgate` beside the project file, or in the current folder."""
    named = os.environ.get("HEADGATE_HOME")
    if named:
        return Path(named).absolute()
    beside = project_file.parent if project_file is not None else Path()
    return (beside / ".headgate").absolute()


def open_ledger(home: Path) -> Ledger:
    """The home's ledger, for reading. Raises LedgerMissing when there is none."""
    return SqliteLedger(home / "ledger.sqlite", readonly=True)


def socket_of(home: Path) -> Path:
    """The controller's socket. Makes nothing: where there is no controller there need not even be a folder."""
    near = home / "controller.sock"
    if len(os.fsencode(near)) <= _SOCKET_BYTES_MAX:
        return near
    name = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    return Path("/tmp") / f"headgate-{os.getuid()}" / name / "controller.sock"  # noqa: S108 - ours alone, mode 0700
