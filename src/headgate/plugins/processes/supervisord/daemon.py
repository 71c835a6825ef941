"""The daemon: `python -m headgate.plugins.processes.supervisord.daemon HOME` becomes a home's supervisord.

It holds the home's lock for as long as it lives, so a home has one daemon at most, whoever starts it and however the
last one ended. What a killed one left running goes on and is taken over (`adopt`); only what is not defined any more,
or otherwise, is stopped first.
"""

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from supervisor.medusa.asyncore_25 import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    ExitNow,
)
from supervisor.options import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    ServerOptions,
)
from supervisor.supervisord import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    Supervisor,
)

from headgate.files import is_at
from headgate.marks import mark_of, put_on, take_off
from headgate.plugins.processes.supervisord.flock import try_lock
from headgate.plugins.processes.supervisord.lifetime import EXIT_DOWN, EXIT_TAKEN
from headgate.plugins.processes.supervisord.orphans import adoptable, stop_orphans
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.program_file import log_of, replace
from headgate.plugins.processes.supervisord.records import program_of

RESTARTING = 0
"""Supervisor's number for its mood when it is to begin anew; it is below that when it is to end."""

LOOK_S = 0.5
"""How often it looks after its lock and the programs' logs, at most; supervisor's loop turns once a second."""

_CONFIGURATION = """\
[supervisord]
nodaemon=false
logfile=../log/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
loglevel=info
pidfile=supervisord.pid
childlogdir=.
nocleanup=true
minfds=1024
umask=077

[unix_http_server]
file=/proc/self/cwd/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files=programs/*.conf
"""
"""The socket is named by the folder that the daemon is in: its path in full may be too long for an address."""


class Daemon(Supervisor):  # type: ignore[misc]
    """Supervisor's own, which also keeps the home's lock and its programs' logs."""

    def __init__(self, options: Any, paths: Paths, lock: int) -> None:  # noqa: ANN401 - supervisor has no types
        self.settings = options
        super().__init__(options)  # pyright: ignore[reportUnknownMemberType]
        self._paths = paths
        self.lock = lock
        self._looked_at = 0.0

    def tick(self, now: float | None = None) -> None:
        """Called by supervisor's loop, each time round."""
        super().tick(now)  # pyright: ignore[reportUnknownMemberType]
        untyped: Any = self
        for group in list(untyped.process_groups.values()):
            group.transition()  # what has just ended is started again now, not after another second's wait
        if time.monotonic() - self._looked_at < LOOK_S:
            return
        self._looked_at = time.monotonic()
        try:
            self._keep_lock()
            rotate_all(self._paths)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing that runs here shall end for it
            self.settings.logger.critical(f"headgate: {type(error).__name__}: {error}")  # noqa: G004 - its own logger

    def _keep_lock(self) -> None:
        """Lock the file anew where somebody has removed it; give way to a daemon that was quicker."""
        if is_at(self.lock, self._paths.lock) or not self._paths.run.is_dir():
            return
        lock = try_lock(self._paths.lock)
        if lock is None:
            os._exit(EXIT_TAKEN)  # it takes over what runs: nothing may be stopped
        os.close(self.lock)
        self.lock = lock


class Options(ServerOptions):  # type: ignore[misc]
    """Supervisor's own, which also marks each program, so that what it starts is found however it hides."""

    def __init__(self, paths: Paths) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._place = paths.place()

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> NoReturn:
        """Called in the child, to become the program's script."""
        put_on(mark_of(self._place, program_of(argv[-1])))
        os.execve(filename, argv, env)  # noqa: S606 - as supervisor's own does


def main(home: Path) -> int:
    """Become the daemon of `home`: the caller's process ends with status 0 once it listens; its child lives on."""
    os.umask(0o077)  # the programs' scripts have their own
    take_off()  # whoever starts a daemon may be a program of one before it
    paths = Paths(home)
    paths.create()
    lock = try_lock(paths.lock)
    if lock is None:
        return EXIT_TAKEN
    if paths.down.exists():
        return EXIT_DOWN
    os.chdir(paths.run)
    os.environ["HEADGATE_PLACE"] = paths.place()  # for the records that programs write of themselves
    if stopped := stop_orphans(paths, spare=adoptable(paths)):
        sys.stderr.write(f"stopped what an earlier daemon left running: {', '.join(stopped)}\n")
    paths.take_socket()
    replace(paths.configuration, _CONFIGURATION)
    _run(paths, lock)
    return 0


def _run(paths: Paths, lock: int) -> None:
    """Supervisor's own main program, with our own daemon; SIGHUP makes it begin anew."""
    first, mood = True, RESTARTING
    while mood >= RESTARTING:
        options: Any = Options(paths)
        options.realize(["-c", str(paths.configuration)])
        options.first, options.test = first, False
        daemon = Daemon(options, paths, lock)
        with contextlib.suppress(ExitNow):
            daemon.main()
        options.close_httpservers()
        options.close_logger()
        first, mood, lock = False, options.mood, daemon.lock


# The programs' logs, kept within their sizes: copied away and emptied, for whoever writes one has it open.


def rotate_all(paths: Paths) -> None:
    """Look at the log of every program. What cannot be rotated now is left for the next time."""
    for section in paths.programs.glob("*.conf"):
        found = log_of(section)
        if found is not None:
            with contextlib.suppress(OSError):
                rotate(*found)


def rotate(log: Path, max_bytes: int, keep: int) -> None:
    """Have `log` begin anew when it has more than `max_bytes` (0: never); `keep` old ones stay: log.1, the newest, ...

    Its writers append, so that they go on at the new end. A line that is written within the few microseconds between
    the copy's last byte and the emptying is lost. With a full disk all of it is: then room is worth more.
    Raises OSError.
    """
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return
    if not max_bytes or size <= max_bytes:
        return
    with log.open("r+b") as source:
        if keep:
            _shift(log, keep)
            newest = _old(log, 1)
            try:
                with os.fdopen(os.open(newest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
                    shutil.copyfileobj(source, copy, 1024 * 1024)
                    copy.flush()
                    shutil.copyfileobj(source, copy)  # what was written during that
            except OSError:
                newest.unlink(missing_ok=True)
        source.truncate(0)


def _shift(log: Path, keep: int) -> None:
    for number in range(keep - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            _old(log, number).replace(_old(log, number + 1))


def _old(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
