"""What asks the process daemon never waits for a thread that something slow holds."""

from __future__ import annotations

import asyncio
import os
import socketserver
import threading
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.processes.supervisord.paths import Paths


class Quick(BaseHTTPRequestHandler):
    """A process daemon with one program."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        row = {"name": "web", "state": 20, "pid": 7, "start": 1, "spawnerr": "", "description": "up"}
        body = xmlrpc.client.dumps(([row],), methodresponse=True).encode()
        self.send_response(200)
        self.send_header("content-type", "text/xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object, **more: object) -> None:
        """Nobody needs to know."""


def test_programs_are_listed_while_every_thread_of_the_loop_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.chdir(tmp_path)
    paths = Paths(tmp_path)
    paths.create()
    place = os.path.relpath(paths.socket())  # short, wherever the test runs

    async def listed() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        slow = [loop.run_in_executor(None, release.wait, 30) for _ in range(3)]
        try:
            return [status.name for status in await asyncio.wait_for(Supervisord(tmp_path).list(), timeout=5)]
        finally:
            release.set()
            await asyncio.gather(*slow)

    with socketserver.ThreadingUnixStreamServer(place, Quick) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            assert asyncio.run(listed()) == ["web"]
        finally:
            server.shutdown()
            serving.join()
