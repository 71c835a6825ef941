"""Real servers for tests, started on free ports of the loopback and ended by their process.

They come from `requirements/debian.sh` (part of the set-up) or from PATH. Where one is not there, the test that asked
for it is skipped with a sentence that says why.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEBIAN = ROOT / ".tools" / "debian"
READY_S = 60.0
STOP_S = 20.0


def program(package: str, name: str) -> Path:
    """The program `name`: from the set-up, or from PATH. Skips the test where there is none."""
    own = DEBIAN / package / "usr" / "bin" / name
    if own.is_file():
        return own
    found = shutil.which(name)
    if found is None:
        why = DEBIAN / "WHY"
        reason = why.read_text().strip() if why.is_file() else "run `make setup`"
        pytest.skip(f"the real {name} is not installed: {reason}")
    return Path(found)


def promtool() -> Path:
    """The path of promtool."""
    return program("prometheus", "promtool")


def amtool() -> Path:
    """The path of amtool."""
    return program("prometheus-alertmanager", "amtool")


def free_port() -> int:
    """A port of the loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """One running server. `folder` holds its configuration, its data and its output."""

    folder: Path
    argv: Sequence[str]
    origin: str
    ready_path: str
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with (self.folder / "output.log").open("ab") as output:
            self.process = subprocess.Popen(self.argv, cwd=self.folder, stdout=output, stderr=output)
        deadline = time.monotonic() + READY_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = (self.folder / "output.log").read_text(errors="replace")
                message = f"{self.argv[0]} did not become ready:\n{said[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, gracefully if it will."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def reload(self) -> None:
        """Have it read its configuration again (SIGHUP)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}{self.ready_path}", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextlib.contextmanager
def prometheus(folder: Path, config: str, *more: str) -> Generator[Server]:
    """A real Prometheus with this configuration file, its data in `folder`; `more` are arguments."""
    binary, port = program("prometheus", "prometheus"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(config)
    argv = (
        str(binary),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        *more,
    )
    with _running(Server(folder, argv, f"http://127.0.0.1:{port}", "/-/ready")) as server:
        yield server


@contextlib.contextmanager
def alertmanager(folder: Path, config: str, *more: str) -> Generator[Server]:
    """A real Alertmanager with this configuration file, its data in `folder`; `more` are arguments."""
    binary, port = _movable(program("prometheus-alertmanager", "prometheus-alertmanager")), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    for template in (binary.parent.parent / "share/prometheus/alertmanager").glob("*.tmpl"):
        shutil.copy(template, folder)
    (folder / "alertmanager.yml").write_text(config)
    argv = (
        str(binary),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        *more,
    )
    with _running(Server(folder, argv, f"http://127.0.0.1:{port}", "/-/ready")) as server:
        yield server


def _movable(binary: Path) -> Path:
    """Debian's Alertmanager reads its templates from one place of the system, where nothing is installed for us.

    A copy of it reads them from the folder it is started in: the place's name is replaced by one of the same length.
    """
    if DEBIAN not in binary.parents:
        return binary
    place = b"/usr/share/prometheus/alertmanager"
    moved = binary.with_name("alertmanager-movable")
    if not moved.exists():
        content = binary.read_bytes().replace(place, b"." + b"/" * (len(place) - 1))
        scratch = moved.with_name(f"{moved.name}.{os.getpid()}")
        scratch.write_bytes(content)
        scratch.chmod(0o755)
        scratch.replace(moved)
    return moved


@contextlib.contextmanager
def _running(server: Server) -> Generator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
