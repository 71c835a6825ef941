"""A tiny service whose behaviour the environment chooses; it answers one connection at a time, in threads.

GET /            its environment's GREETING        GET /slow?ms=N   answers after N milliseconds
GET /health      200, or 503 while the file named by SICK exists; with DEEP, that text as the body
GET /live        200, never while HUNG exists      GET /grow?mb=N   keeps N more megabytes
POST /orders     {"id": 7, "name": ...}            GET /orders/7    {"status": "completed"}
"""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

BORN = time.monotonic()
KEPT: list[bytearray] = []


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/startup":
            up = time.monotonic() - BORN >= float(env("STARTUP_S", "0"))
            self.answer(200 if up else 503, "started" if up else "starting")
        elif url.path == "/health":
            sick = Path(env("SICK", "/nonexistent")).exists()
            self.answer(
                503 if sick else int(env("HEALTH_STATUS", "200")), env("DEEP", "sick" if sick else "well")
            )
        elif url.path == "/live":
            while Path(env("HUNG", "/nonexistent")).exists():
                time.sleep(0.05)
            self.answer(200, "alive")
        elif url.path == "/slow":
            time.sleep(float(asked["ms"]) / 1000)
            self.answer(200, "late but whole")
        elif url.path == "/grow":
            KEPT.append(bytearray(os.urandom(1) * int(asked["mb"]) * 1_000_000))
            self.answer(200, str(os.getpid()))
        elif url.path == "/env":
            self.answer(200, json.dumps(dict(os.environ)))
        elif url.path == "/pid":
            self.answer(200, str(os.getpid()))
        elif url.path == "/orders/7":
            self.answer(200, json.dumps({"status": env("ORDER_STATUS", "completed"), "lines": [{"n": 2}]}))
        else:
            self.answer(200, env("GREETING", "hello"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer(201, json.dumps({"id": 7, "echo": body.decode()}))

    def answer(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False
    allow_reuse_address = True


def main() -> None:
    for line in filter(None, [env("SAY")]):
        print(line, flush=True)
    for _ in range(int(env("CHATTER", "0"))):
        print("x" * 99, flush=True)
    if env("DIE"):
        sys.exit(int(env("DIE")))
    time.sleep(float(env("LISTEN_AFTER_S", "0")))
    server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
    if env("GRACEFUL"):
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    if env("STUBBORN"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server.serve_forever(poll_interval=0.02)
    server.server_close()  # waits for the requests under way


main()
