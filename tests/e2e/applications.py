"""Applications of other people, as they are: how each is built, started, asked, and who asks."""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.servers import DEBIAN, program

HERE = Path(__file__).parents[1] / "examples" / "applications"
TOOLS = Path(__file__).parents[2] / ".tools"
INSTALL_S, BUILD_S = 180.0, 240.0
PYTHON = sys.executable
PASSWORD = "Basic " + base64.b64encode(b"shop:open sesame").decode()
HTTPS = {"x-forwarded-proto": "https"}


@dataclass(frozen=True)
class Application:
    """One of them. `service` is what its project file says of it; `prepare` makes the artifact ready to run."""

    name: str
    run: str
    service: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda _: None

    def build(self, folder: Path, version: str) -> None:
        """Its files, as this version."""
        shutil.copytree(HERE / self.name, folder)
        for template in list(folder.rglob("*.in")):
            template.with_suffix("").write_text(template.read_text().replace("@VERSION@", version))
            template.unlink()
        self.prepare(folder)

    def ask(self, port: int, path: str = "/") -> tuple[int, str]:
        """One request of a customer, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", path, headers=dict(self.headers))
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


def _rails_like(folder: Path) -> None:
    for name in ("tmp/pids", "log"):
        (folder / name).mkdir(parents=True)


def _express(folder: Path) -> None:
    """The packages, by npm's lock: fetched once for a checkout."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    kept = TOOLS / "express"
    if not (kept / "node_modules" / "express").is_dir():
        fresh = folder.parent / f"npm-{os.getpid()}"
        shutil.copytree(HERE / "express", fresh)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command, cwd=fresh, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
        if done.returncode:
            pytest.skip(f"npm could not install express: {done.stderr.strip()[-300:]}")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(fresh, kept, symlinks=True)
    shutil.copytree(kept / "node_modules", folder / "node_modules", symlinks=True)


def _go(folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    done = subprocess.run(
        [go, "build", "-o", "server", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    if "unknown field" in done.stderr or "undefined: http.Protocols" in done.stderr:
        pytest.skip("this go is older than 1.24, and serves no HTTP/2 without TLS by itself")
    assert done.returncode == 0, done.stderr
    for source in ("main.go", "go.mod"):
        (folder / source).unlink()


def _php(folder: Path) -> None:
    (folder / "uploads").mkdir()


def php() -> str:
    """PHP's command line: from the set-up, or from PATH. Skips where there is none that runs."""
    own = sorted(DEBIAN.glob("php*-cli/usr/bin/php*"))
    found = own[0] if own else program("php-cli", "php")
    if subprocess.run([found, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"{found} does not run here: a library that it needs is missing")
    return str(found)


RAILS_LIKE = Application(
    "rails_like",
    f"{PYTHON} server.py",
    {"probes": {"readiness": {"http": {"path": "/up", "headers": HTTPS}}}},
    HTTPS,
    _rails_like,
)
EXPRESS = Application("express", "node server.js", prepare=_express)
GO = Application("go_h2c", "./server", prepare=_go)
EVENTS = Application("events", f"{PYTHON} server.py")
JAVA = Application("java_client", f"{PYTHON} server.py")
PHP = Application(
    "php", "PHP -d session.save_path= -S 127.0.0.1:{port} index.php", {"shared": ["uploads"]}, prepare=_php
)
GUNICORN = Application("gunicorn", f"{PYTHON} -m gunicorn --workers 2 --bind 127.0.0.1:$PORT app:app")
BEHIND_PASSWORD = Application(
    "behind_password",
    f"{PYTHON} server.py",
    {"probes": {"readiness": {"http": {"path": "/", "status": 401}}}},
    {"authorization": PASSWORD},
)
IPV6_ONLY = Application("ipv6_only", f"{PYTHON} server.py")
OWN_LOGS = Application("own_logs", f"{PYTHON} server.py", {"shared": ["visits.db"]})

APPLICATIONS = (
    RAILS_LIKE, EXPRESS, GO, EVENTS, JAVA, PHP, GUNICORN, BEHIND_PASSWORD, IPV6_ONLY, OWN_LOGS,
)  # fmt: skip
