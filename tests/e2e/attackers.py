"""Guests at the door who are greedy, bounded in count and time: `attackers.py URL TOKEN`, until standard input ends.

Prints how often each did what it does, as JSON.
"""

import contextlib
import http.client
import json
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

NAMES = 12_000
HALF_SENT = 1_100
OPENED_MAX = 20_000
PAUSE_S = 0.2
LAST_S = 120.0

HALF = b"GET /v1/releases HTTP/1.1\r\nhost: shop\r\nx-never-ending: "


class Attackers:
    """All of them, at one door."""

    def __init__(self, url: str, token: str) -> None:
        found = urlsplit(url)
        self._place = (found.hostname or "", found.port or 80)
        self._token = {"authorization": f"Bearer {token}"}
        self._over = threading.Event()
        self.did = {"names": 0, "half": 0, "slow": 0}

    def run(self) -> None:
        threads = [
            threading.Thread(target=self._often, args=(what,), daemon=True)
            for what in (self._many_names, self._half_sent, self._slow_reader)
        ]
        for thread in threads:
            thread.start()
        threading.Thread(target=self._listen, daemon=True).start()
        self._over.wait(LAST_S)
        self._over.set()
        for thread in threads:
            thread.join(2.0)
        print(json.dumps(self.did))

    def _listen(self) -> None:
        sys.stdin.read()
        self._over.set()

    def _often(self, what: object) -> None:
        assert callable(what)
        while not self._over.wait(PAUSE_S):
            with contextlib.suppress(OSError, http.client.HTTPException):
                what()

    def _many_names(self) -> None:
        """A viewer's GET whose query has 12,000 names."""
        connection = http.client.HTTPConnection(*self._place, timeout=20)
        query = "&".join(f"n{number}=1" for number in range(NAMES))
        try:
            connection.request("GET", f"/v1/releases?{query}", headers=self._token)
            connection.getresponse().read()
        finally:
            connection.close()
            self.did["names"] += 1

    def _half_sent(self) -> None:
        """1,100 connections on which a request is begun, and kept until the last one is there."""
        held = list[socket.socket]()
        try:
            for _ in range(HALF_SENT):
                if self._over.is_set() or self.did["half"] >= OPENED_MAX:
                    return
                held.append(socket.create_connection(self._place, timeout=5))
                held[-1].sendall(HALF)
                self.did["half"] += 1
            self._over.wait(2.0)
        finally:
            for one in held:
                one.close()

    def _slow_reader(self) -> None:
        """Who listens to everything that ever happened, a few bytes at a time."""
        connection = http.client.HTTPConnection(*self._place, timeout=20)
        try:
            connection.request("GET", "/v1/stream?after=0", headers=self._token)
            response = connection.getresponse()
            until = time.monotonic() + 20
            while not self._over.wait(PAUSE_S) and time.monotonic() < until and response.read(16):
                self.did["slow"] += 1
        finally:
            connection.close()


if __name__ == "__main__":
    Attackers(*sys.argv[1:3]).run()
