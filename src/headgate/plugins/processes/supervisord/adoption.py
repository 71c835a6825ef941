"""Which of the supervisor's children stand in for a process that outlived its supervisor (see `adopt`)."""

from pathlib import Path

import msgspec

from headgate.plugins.processes.supervisord import adopt
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.records import leads, record_of, started_at
from headgate.ports.processes import ProcessStatus

_PROGRAM = f"\0{adopt.__file__}\0".encode()


def stands_in(pid: int) -> bool:
    """True when process `pid` stands in for another."""
    try:
        return _PROGRAM in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def adopted(paths: Paths, status: ProcessStatus) -> ProcessStatus:
    """`status` with the number and the start of the process itself, where another stands in for it."""
    if not status.pid or not stands_in(status.pid):
        return status
    record = record_of(paths, status.name)
    if record is None or not leads(record):
        return status
    return msgspec.structs.replace(
        status,
        pid=record.pid,
        started_at=started_at(record),
        detail="taken over from a supervisor that died",
    )
