"""The daemon: `python -m headgate.plugins.processes.supervisord.daemon HOME` becomes a home's supervisord.

It holds the home's lock for as long as it lives, so a home has one daemon at most, whoever starts it and however the
last one ended; and with the lock in hand it first stops what a killed one has left behind.
"""

import sys
from pathlib import Path

from supervisor import supervisord  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

from headgate.plugins.processes.supervisord.flock import try_lock
from headgate.plugins.processes.supervisord.orphans import stop_orphans
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.program_file import make_log_folders, replace

EXIT_TAKEN = 75
"""Exit status when the home has a daemon already."""

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
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files=programs/*.conf
"""


def main(home: Path) -> int:
    """Become the daemon of `home`: the caller's process ends with status 0 once it listens; its child lives on."""
    paths = Paths(home)
    paths.create()
    if try_lock(paths.lock) is None:
        return EXIT_TAKEN
    if stopped := stop_orphans(paths):
        sys.stderr.write(f"stopped what an earlier daemon left running: {', '.join(stopped)}\n")
    make_log_folders(paths)
    socket = paths.choose_socket()
    socket.unlink(missing_ok=True)
    replace(paths.configuration, _CONFIGURATION.format(socket=socket))
    replace(paths.socket_name, f"{socket}\n")
    supervisord.main(["-c", str(paths.configuration)])  # pyright: ignore[reportUnknownMemberType]
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
