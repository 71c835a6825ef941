"""Stands in for a process that outlived its supervisor: `python -I -S adopt.py RECORD SCRIPT`, run in its place.

A program's script runs this where the process of its record is still there. Is it, and was it made by the very same
script, then nothing is started: this process lives as long as that one does, hands on the signals that a supervisor
sends, and kills it just before the supervisor would kill what stands in. Otherwise it becomes the script again, which
then starts the program. Only the standard library: nothing of this machine's Python set-up is read.
"""

import contextlib
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

EARLIER_S = 0.5
"""How long before the supervisor's own kill ours comes: after it nobody would be left to do it."""

POLL_S = 0.1
FRESH = "fresh"
"""What tells the script to start the program, whatever its record says."""


class Adopted:
    """The process of a record: its group, and how it is stopped."""

    def __init__(self, record: str, script: str) -> None:
        """Raises OSError, ValueError or IndexError where there is none that `script` made."""
        with open(record, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib takes longer
            stat, boot, stop, made_by, place = file.read().splitlines()
        self.pid = int(stat.split(" ", 1)[0])
        self._born = _born(stat)
        name, _, wait = stop.partition(" ")
        self.signal, self.wait_s = getattr(signal, f"SIG{name}"), float(wait)
        if (boot, made_by, place) != (
            _boot(),
            script,
            os.environ.get("HEADGATE_PLACE", ""),
        ) or name == "KILL":
            raise ValueError(record)

    def lives(self) -> bool:
        """True while it is the process that wrote the record."""
        try:
            with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
                stat = file.read()
        except OSError:
            return False
        return _born(stat) == self._born and stat.rpartition(")")[2].split()[0] not in "ZX"

    def send(self, number: int) -> None:
        """Send its whole group a signal."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.lives():
                os.killpg(self.pid, number)

    def pass_on(self, number: int, _: "FrameType | None") -> None:
        """Hand on what a supervisor sent; from the signal that stops it on, its time is running."""
        self.send(number)
        if number in (self.signal, signal.SIGTERM):
            signal.setitimer(signal.ITIMER_REAL, max(0.01, self.wait_s - EARLIER_S))

    def kill(self, *_: object) -> None:
        """End it: it had its time."""
        self.send(signal.SIGKILL)

    def stand_in(self) -> None:
        """Return when it has ended."""
        with contextlib.suppress(
            OSError
        ):  # a kernel or a sandbox without these descriptors: look now and then
            descriptor = os.pidfd_open(self.pid)
            if self.lives():
                waiting = select.poll()
                waiting.register(descriptor, select.POLLIN)
                waiting.poll()
        while self.lives():
            time.sleep(POLL_S)


def main(record: str, script: str) -> int:
    """Stand in for the process of `record`, or become `script`."""
    try:
        adopted = Adopted(record, script)
    except (OSError, ValueError, IndexError, AttributeError):
        adopted = None
    if adopted is None or not adopted.lives():
        os.execv("/bin/sh", ["/bin/sh", script, FRESH])  # noqa: S606 - which starts the program
    for number in ("TERM", "HUP", "INT", "QUIT", "USR1", "USR2"):
        signal.signal(getattr(signal, f"SIG{number}"), adopted.pass_on)
    signal.signal(signal.SIGALRM, adopted.kill)
    adopted.stand_in()
    return 0


def _born(stat: str) -> tuple[int, int]:
    """Session and start, from the text of /proc/PID/stat."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[3]), int(fields[19])


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123 - as above
        return file.read().strip()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
