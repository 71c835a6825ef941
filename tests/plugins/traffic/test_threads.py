"""Moving traffic never waits for a thread that something slow holds: a stop, a large artifact."""

from __future__ import annotations

import asyncio
import inspect
import os
import socketserver
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from headgate.plugins.traffic.envoy import EnvoyTraffic
from headgate.plugins.traffic.envoy.threads import in_thread
from tests.plugins.traffic.test_proxy import Broken


class Live(BaseHTTPRequestHandler):
    """An Envoy that serves."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"LIVE\n")

    def log_message(self, *args: object, **more: object) -> None:
        """Nobody needs to know."""


def test_the_proxy_is_asked_while_every_thread_of_the_loop_is_taken(tmp_path: Path) -> None:
    release = threading.Event()
    traffic = EnvoyTraffic(tmp_path, Broken("running"), lambda _: ())

    async def asked() -> tuple[bool, str]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        slow = [loop.run_in_executor(None, release.wait, 30) for _ in range(3)]
        try:
            ready = await asyncio.wait_for(traffic.admin.ready(), timeout=5)
            return ready, await asyncio.wait_for(in_thread(lambda: threading.current_thread().name), 5)
        finally:
            release.set()
            await asyncio.gather(*slow)

    path = traffic.admin.path
    path.parent.mkdir()
    with socketserver.ThreadingUnixStreamServer(os.path.relpath(path), Live) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            ready, thread = asyncio.run(asked())
        finally:
            server.shutdown()
            serving.join()
    assert ready
    assert thread.startswith("envoy")


def test_every_thread_of_the_proxys_room_is_its_own() -> None:
    """One call by `asyncio.to_thread` would bring the wait back."""
    room = Path(inspect.getfile(EnvoyTraffic)).parent
    for file in sorted(room.glob("*.py")):
        used = "to_thread(" in file.read_text() or "run_in_executor(None" in file.read_text()
        assert not used, file.name
