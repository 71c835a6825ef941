"""A program on disk: a few safe lines for supervisor, and a shell script that holds what people may write.

Supervisor's own syntax for commands and environments loses quotes, line breaks, ` ;` and `%`; a quoted word of the
shell holds any byte but NUL. So supervisor only ever reads a name and numbers.
"""

import hashlib
import json
import math
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

from headgate.plugins.processes.supervisord import adopt
from headgate.plugins.processes.supervisord.adopt import FRESH
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.ports import Permanent
from headgate.ports.processes import Program

NAME = re.compile(r"[a-z0-9._-]{1,200}")
SIGNALS = frozenset({"TERM", "HUP", "INT", "QUIT", "KILL", "USR1", "USR2"})
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX, _KEEP = "stdout_logfile_maxbytes", "stdout_logfile_backups"

_SCRIPT = """\
#!/bin/sh
# {name}: written by Headgate. The file beside it tells whoever finds this process orphaned whose it was; where the
# process that it tells of still lives, as after the supervisor's death, it is taken over instead of started again.
if [ "$1" != {fresh} ] && read -r pid rest < {record} && [ -d "/proc/$pid" ]; then
    exec {adopt} {record} "$0"
fi 2> /dev/null
read -r stat < /proc/$$/stat
read -r boot < /proc/sys/kernel/random/boot_id
printf '%s\\n%s\\n%s\\n%s\\n%s\\n' "$stat" "$boot" '{signal} {wait}' "$0" "$HEADGATE_PLACE" > {record}
# Output goes straight to its file: were it a pipe to the supervisor, its death would be that of whoever writes next.
umask 077
[ -d {folder} ] || mkdir -p {folder}
if {{ true >> {log}; }} 2> /dev/null; then exec >> {log} 2>&1; else exec > /dev/null 2>&1; fi
umask 022
{exports}cd {directory} || exit 72
exec {command}
"""

_SECTION = """\
[program:{name}]
command=/bin/sh programs/{script}
autostart=true
autorestart=true
startsecs={start_s}
startretries={retries}
stopsignal={signal}
stopwaitsecs={wait}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=NONE
stdout_logfile_maxbytes={log_max_bytes}
stdout_logfile_backups={log_keep}
umask=022
; log={log}
"""
"""Supervisor writes no log: the sizes are for `logs.rotate`, and so is the last line, a comment to supervisor."""


class ProgramFile:
    """The files of the program called `name`. Raises Permanent for a name that is none."""

    def __init__(self, paths: Paths, name: str) -> None:
        if not NAME.fullmatch(name):
            raise Permanent(
                f"{name!r} is no name for a program: lower-case letters, digits and . _ - (200 at most)"
            )
        self.name = name
        self.section = paths.programs / f"{name}.conf"
        self.record = paths.programs / f"{name}.pid"
        self._paths = paths

    def write(self, program: Program) -> None:
        """Define it, script first, so that what supervisor reads is always whole. Nothing happens when it is so."""
        script = render_script(program, f"programs/{self.record.name}")
        path = self._script(hashlib.sha256(script.encode("utf-8", "surrogateescape")).hexdigest()[:16])
        section = render_section(program, path.name)
        if not path.exists():
            replace(path, script)
        if not self.section.exists() or self.section.read_text() != section:
            replace(self.section, section)

    def sweep(self) -> None:
        """Remove scripts of earlier definitions. Only once supervisor no longer runs by them."""
        current = self.section.read_text() if self.section.exists() else ""
        for script in self._paths.programs.glob(f"{self.name}@*.sh"):
            if script.name not in current:
                script.unlink(missing_ok=True)

    def stop_wait_s(self) -> float:
        """How long it may take to stop, as defined on disk; 60 where nothing is."""
        return float(_value(self.section, "stopwaitsecs") or 60)

    def made_by(self, script: str) -> bool:
        """True when `script`, as a record names it, is what the program is defined by now."""
        return bool(script) and _value(self.section, "command") == f"/bin/sh {script}"

    def recorded(self, pid: int) -> bool:
        """True when process `pid` has written itself down: it is the program, or the script that becomes it."""
        try:
            return self.record.read_text().startswith(f"{pid} ")
        except OSError:
            return False

    def forget(self) -> None:
        """Undefine it: a daemon that starts after this does not know it."""
        self.section.unlink(missing_ok=True)

    def erase(self) -> None:
        """Remove whatever is left of it, but not its log."""
        self.forget()
        self.record.unlink(missing_ok=True)
        self.sweep()

    def _script(self, digest: str) -> Path:
        return self._paths.programs / f"{self.name}@{digest}.sh"


def render_script(program: Program, record: str) -> str:
    """The script that becomes the program. Raises Permanent for what no process could be given."""
    _refuse_impossible(program)
    exported = {name: value for name, value in program.env.items() if _SHELL_NAME.fullmatch(name)}
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exported.items())
    command = shlex.join(program.argv)
    odd = [f"{name}={value}" for name, value in program.env.items() if name not in exported]
    if odd:  # names that the shell has no syntax for, such as spring.datasource.url
        command = f"/usr/bin/env -- {shlex.join(odd)} {command}"
    return _SCRIPT.format(
        name=program.name,
        fresh=FRESH,
        adopt=shlex.join([sys.executable, "-I", "-S", adopt.__file__]),
        signal=program.stop_signal,
        wait=_whole_s(program.stop_wait_s),
        record=shlex.quote(record),
        folder=shlex.quote(os.path.dirname(program.log) or "."),  # noqa: PTH120 - text, as it is
        log=shlex.quote(program.log),
        exports=exports,
        directory=shlex.quote(program.directory),
        command=command,
    )


def render_section(program: Program, script: str) -> str:
    """The lines for supervisor, which counts in whole seconds: times are rounded up."""
    return _SECTION.format(
        name=program.name,
        script=script,
        start_s=_whole_s(program.start_s),
        retries=max(0, program.start_retries - 1),
        signal=program.stop_signal,
        wait=_whole_s(program.stop_wait_s),
        log=json.dumps(program.log),
        log_max_bytes=program.log_max_bytes,
        log_keep=program.log_keep,
    )


def log_of(section: Path) -> tuple[Path, int, int] | None:
    """The log of a program, its largest size in bytes and how many old ones are kept, from its section."""
    try:
        path = str(json.loads(_value(section, "; log")))
        return Path(path), int(_value(section, _MAX)), int(_value(section, _KEEP))
    except ValueError:  # gone meanwhile, or written by an earlier Headgate
        return None


def replace(path: Path, text: str) -> None:
    """Write `text` to `path` at once or not at all, readable by its owner only."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _whole_s(seconds: float) -> int:
    """At least one: with none a supervisor would kill at once, and whoever stands in could not do it before."""
    return max(1, math.ceil(seconds))


def _value(section: Path, key: str) -> str:
    try:
        lines = section.read_text().splitlines()
    except FileNotFoundError:
        return ""
    return next((line.removeprefix(f"{key}=") for line in lines if line.startswith(f"{key}=")), "")


def _refuse_impossible(program: Program) -> None:
    words = [*program.argv, program.directory, program.log, *program.env, *program.env.values()]
    if any("\0" in word for word in words):
        raise Permanent(f"{program.name}: no argument, path or environment value can hold a NUL")
    if not program.argv or not program.argv[0]:
        raise Permanent(f"{program.name}: there is no command")
    if wrong := [name for name in program.env if not name or "=" in name]:
        raise Permanent(f"{program.name}: {wrong[0]!r} is no name for an environment variable")
    if program.stop_signal not in SIGNALS:
        raise Permanent(
            f"{program.name}: {program.stop_signal!r} is no signal; expected {', '.join(sorted(SIGNALS))}"
        )
