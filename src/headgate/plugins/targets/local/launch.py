"""Becomes an instance: `python -I -S launch.py SPECFILE`, run by the supervisor at every start and restart.

It puts back what the artifact ships (`worktree`), takes the secrets from their sources, writes the configuration
files, records what it is and then *is* the service (`execve`): no parent lingers, and no secret was ever in a command
line, in the supervisor's configuration or on disk.
Only the standard library, and little of that: a restart should not wait for imports.
"""

import contextlib
import errno
import json
import os
import resource
import signal
import socket
import sys

if __name__ == "__main__":  # a script, isolated: it finds this very package, and no other of this machine's
    sys.path.append(__file__.rpartition("/headgate/")[0])

from headgate import marks
from headgate.files import replace_file
from headgate.folders import private_folder
from headgate.plugins.targets.local import worktree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

EXIT_REFUSED = 78
"""Exit status when the instance cannot be started as it is configured (EX_CONFIG)."""

SECRET_BYTES_MAX = 65_536
"""The longest secret; the kernel allows an environment variable twice that."""

KILLS_MAX = 100
COMMAND_LINE_MAX = 100

PASSED_ON = ("LANG", "LANGUAGE", "LOGNAME", "SHELL", "TZ", "USER")
"""What an instance has of the daemon's own environment, and LC_*: the same version runs the same wherever it starts."""


class CannotStart(Exception):  # noqa: N818 - a state of affairs, not a mistake of ours
    """Why not, for people; names sources and never holds a value."""


class PortTaken(CannotStart):
    """Somebody else listens on the instance's port."""


def read_secret(name: str, kind: str, source: str, environ: "Mapping[str, str]") -> str:
    """The secret's value. Raises CannotStart, which says where it was looked for."""
    if kind == "env":
        if source not in environ:
            raise CannotStart(
                f"secret {name}: the environment variable {source} is not set where the process daemon was started; "
                "set it there and run `headgate down --all` and `headgate up`, or read the secret from a file"
            )
        return environ[source]
    try:
        with open(source, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost a third of our start
            value = file.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise CannotStart(f"secret {name}: cannot read the file {source}: {error.strerror}") from None
    except ValueError:
        raise CannotStart(f"secret {name}: the file {source} is not text in UTF-8") from None
    value = value.removesuffix("\n").removesuffix("\r")
    if len(value) > SECRET_BYTES_MAX or "\0" in value:
        raise CannotStart(
            f"secret {name}: the file {source} holds a NUL or more than {SECRET_BYTES_MAX} characters"
        )
    return value


def environment(spec: "Mapping[str, Any]", environ: "Mapping[str, str]") -> dict[str, str]:
    """The whole environment of the instance that `spec` (`record.Spec`, in JSON) describes. Raises CannotStart."""
    passed = {name: environ[name] for name in environ if name in PASSED_ON or name.startswith("LC_")}
    secrets = {
        name: read_secret(name, source["kind"], source["name"], environ)
        for name, source in spec["secrets"].items()
    }
    return {**passed, **spec["env"], **secrets, **spec["identity"]}


def main(path: str) -> int:
    """Become the instance; returns (an exit status) only when that is impossible."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as above
        spec = json.load(file)
    life = os.path.join(spec["folder"], "life.json")  # noqa: PTH118 - as above
    before = _read_life(life)
    launches, left = int(before.get("launches", 0)) + 1, ""
    try:
        env = environment(spec, os.environ)
        left = _kill_leftovers(before)
        bring_tree(spec)
        _check_port(spec["host"], spec["port"])
        write_files(spec["files_folder"], spec["files"])
        _write_life(life, launches, "", taken=False, left=left)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would put its secrets on disk
        os.chdir(spec["directory"])
        os.execve(spec["argv"][0], spec["argv"], env)  # noqa: S606 - which is the purpose
    except (OSError, CannotStart, worktree.TreeChanged) as error:
        reason = f"{spec['argv'][0]}: {error.strerror}" if isinstance(error, OSError) else str(error)
        _write_life(life, launches, reason, taken=isinstance(error, PortTaken), left=left)
        sys.stderr.write(f"headgate: {spec['name']} cannot start: {reason}\n")
        return EXIT_REFUSED


def bring_tree(spec: "Mapping[str, Any]") -> None:
    """Have the instance's folders there: its working tree, its HOME and its TMPDIR. Raises TreeChanged, OSError."""
    for folder in spec.get("folders", ()):
        private_folder(folder)
    if spec.get("source"):  # an earlier Headgate ran it in the artifact's own tree
        worktree.bring(spec["source"], spec["manifest"], spec["directory"], spec["shared"], spec["writable"])


def _check_port(host: str, port: int) -> None:
    """Refuse to start beside a stranger: it, not we, would answer the probes."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortTaken(f"port {port} is taken by another process") from None


def _kill_leftovers(before: "Mapping[str, Any]") -> str:
    """End what outlived the instance's last process: it would still hold its port. Returns what that was, for people.

    Found by its mark, wherever it has gone, and by its group: a group's number is not given away while any member
    lives; the session says that it is our supervisor's, or that of one before it, which has died since this boot.
    """
    left = [*_carrying_our_mark(), *_of_the_group(before)]
    said = f"process {left[0]} ({_command_line(left[0])})" if left else ""
    for _ in range(KILLS_MAX):
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not (left := _carrying_our_mark()):  # it may have forked meanwhile
            break
    return said


def _carrying_our_mark() -> list[int]:
    mark = marks.own_mark()
    return sorted(pid for pid, found in marks.marked().items() if found == mark) if mark else []


def _of_the_group(before: "Mapping[str, Any]") -> "Iterator[int]":
    group, session = int(before.get("pid", 0)), int(before.get("session", 0)) or os.getsid(0)
    if group <= 1 or group == os.getpgrp() or before.get("boot", _boot()) != _boot():
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, 0)
        for name in os.listdir("/proc"):  # noqa: PTH208 - as above
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if name.isdigit() and os.getpgid(int(name)) == group and os.getsid(int(name)) == session:
                    yield int(name)


def _command_line(pid: int) -> str:
    words = (_read(f"/proc/{pid}/cmdline") or "").replace("\0", " ").strip()
    return words[:COMMAND_LINE_MAX]


def write_files(folder: str, files: "Mapping[str, str]") -> None:
    """Have the configuration files there, as they are declared. Raises OSError."""
    for name, content in files.items():
        path = os.path.join(folder, name)  # noqa: PTH118 - as above
        if _read(path) != content:
            private_folder(os.path.dirname(path))  # noqa: PTH120 - as above
            _replace(path, content)


def _write_life(path: str, launches: int, refused: str, *, taken: bool, left: str) -> None:
    pid = os.getpid()
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
        started = int(file.read().rpartition(")")[2].split()[19])
    life = {
        "pid": pid,
        "session": os.getsid(0),
        "boot": _boot(),
        "started": started,
        "launches": launches,
        "refused": refused,
        "port_taken": taken,
        "left": left,
    }
    _replace(path, json.dumps(life))


def _boot() -> str:
    return (_read("/proc/sys/kernel/random/boot_id") or "").strip()


def _read_life(path: str) -> "dict[str, Any]":
    try:
        return dict(json.loads(_read(path) or "{}"))
    except (ValueError, TypeError, RecursionError):
        return {}


def _read(path: str) -> "str | None":
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:  # noqa: PTH123 - as above
            return file.read()
    except OSError:
        return None


def _replace(path: str, content: str) -> None:
    """Write all of it or nothing; on a full disk over what is there: it must not stop a restart."""
    data = content.encode("utf-8", "surrogateescape")
    try:
        replace_file(path, data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or _read(path) is None:
            raise
        _write_over(path, data)


def _write_over(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, data)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
