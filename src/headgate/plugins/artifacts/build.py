"""How an artifact is built (the project's own command, bounded, heard line by line), and where its source came from."""

import getpass
import os
import platform
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from headgate.output import read_output
from headgate.ports import Permanent, Provenance

BUILD_S = 1800.0
"""How long a build may take, by default."""

_GIT_S = 10.0
_GRACE_S = 5.0
_LAST_LINES = 20
_LINE_MAX_BYTES = 64 * 1024


def run_build(
    command: Sequence[str],
    root: Path,
    *,
    timeout_s: float = BUILD_S,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run `command` (argv, without a shell) in `root`; each line of its output goes to `on_line` as it comes.

    `env` replaces the environment. When it ends, whatever it started and left running is ended too. Raises Permanent
    with the last lines of output when it cannot start, fails, or takes longer than `timeout_s`.
    """
    shown = " ".join(command)
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise Permanent(f"the build command `{shown}` cannot be started in {root}: {error}") from error
    lines = _Lines(on_line)
    try:
        in_time = read_output(process, lines.feed, started + timeout_s)
    finally:
        _end(process)
        lines.end()
    if not in_time:
        raise Permanent(
            f"the build command `{shown}` took longer than {timeout_s:g} s and was stopped{lines.last()}"
        )
    if process.returncode:
        raise Permanent(f"the build command `{shown}` failed ({_status(process.returncode)}){lines.last()}")


class _Lines:
    """Bytes in, lines out; remembers the last of them."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._rest = b""
        self._recent: deque[str] = deque(maxlen=_LAST_LINES)

    def feed(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_MAX_BYTES:
            whole.append(self._rest)
            self._rest = b""
        for line in whole:
            self._say(line)

    def end(self) -> None:
        if self._rest:
            self._say(self._rest)
        self._rest = b""

    def _say(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        self._recent.append(text)
        if self._on_line is not None:
            self._on_line(text)

    def last(self) -> str:
        """What completes an error."""
        return "; its last lines:\n" + "\n".join(f"  {line}" for line in self._recent) if self._recent else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and everything in its process group, gently first."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:  # the whole group is gone
            break
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
    assert process.stdout is not None, "made with a pipe"
    process.stdout.close()


def _status(returncode: int) -> str:
    return f"exit status {returncode}" if returncode > 0 else f"signal {signal.Signals(-returncode).name}"


def provenance(
    root: Path, *, built_at: float, builder: str = "", command: str = "", source: str = "", label: str = ""
) -> Provenance:
    """Where what is built in `root` comes from; commit and dirty flag by git, empty and False where git knows nothing.

    `built_at` is in seconds since the epoch. `builder` defaults to `user@host`, `source` to `root`. Dirty means that
    something under `root` differs from the commit or is new to it.
    """
    commit = _git(root, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    dirty = bool(commit) and bool(_git(root, "status", "--porcelain", "--", ".").strip())
    return Provenance(
        built_at=built_at,
        builder=builder or f"{_user()}@{platform.node()}",
        commit=commit,
        dirty=dirty,
        command=command,
        source=source or str(root),
        label=label,
    )


def _git(root: Path, *arguments: str) -> str:
    """What git answers; nothing where there is no git, no repository, or no answer in time."""
    git = shutil.which("git")
    if git is None:
        return ""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        answer = subprocess.run(
            (git, "-C", str(root), *arguments),
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=_GIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return f"uid{os.getuid()}"
