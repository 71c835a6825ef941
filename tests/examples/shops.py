"""Real shops: built as artifacts, run as processes, asked over sockets."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2] / "examples" / "shop"
# A shop keeps its artifact clean by itself, not because of how the tests happen to be run.
INHERITED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
START_S_MAX = 30
STOP_S_MAX = 30

GOOD = ("v1", "v2")
BROKEN = ("v3-checkout-errors", "v4-slow-tail", "v5-no-database", "v6-empty-orders")


class Answer(NamedTuple):
    """What a shop answered; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


Artifact = Callable[[str], Path]
OpenShop = Callable[..., "Shop"]


def build(version: str, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "build.py"), version, str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


class Shop:
    """One process, from when it serves until it is stopped."""

    def __init__(self, artifact: Path, database: Path, **settings: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(artifact / "main.py")],
            env={**INHERITED, "PORT": "0", "SHOP_DATABASE": str(database), **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.url = self.said.strip().rpartition(" ")[2]
        self.port = int(self.url.rpartition(":")[2] or 0)

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=START_S_MAX)

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=START_S_MAX)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request on a connection of its own."""
        connection = self.connection()
        try:
            return ask(connection, method, path, body)
        finally:
            connection.close()

    def metrics(self) -> dict[str, float]:
        """Every sample, by its name with labels."""
        text = self.ask("GET", "/metrics").body.decode()
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> tuple[int, str]:
        """The exit status, and what it wrote to standard error."""
        _, errors = self.process.communicate(timeout=STOP_S_MAX)
        return self.process.returncode, errors

    def stop(self) -> tuple[int, str]:
        self.terminate()
        return self.wait()


def ask(connection: HTTPConnection, method: str, path: str, body: object = None) -> Answer:
    """One request on this connection, which stays open if the shop lets it."""
    connection.request(method, path, None if body is None else json.dumps(body))
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def buy(shop: Shop, item: str, quantity: int = 1) -> Answer:
    """What the checkout of a new cart with one item answers."""
    cart = shop.ask("POST", "/cart", {"item": item, "quantity": quantity})
    assert cart.status == 201
    return shop.ask("POST", "/checkout", {"cart": cart.json()["cart"]})


def orders_in(database: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute("SELECT id, status, total_cents FROM orders").fetchall()
    finally:
        connection.close()
