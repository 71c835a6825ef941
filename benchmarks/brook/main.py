"""The plainest service: answers every request at once, a declared share of them with an error.

`release.json` beside it says which release it is, how many of its answers fail, and how long it takes to stop. The port
is `PORT`.
"""

import asyncio
import json
import os
import random
import signal
from pathlib import Path
from typing import ClassVar

RELEASE = json.loads((Path(__file__).parent / "release.json").read_text())
NAME, FAIL_RATIO = str(RELEASE["name"]), float(RELEASE["fail_ratio"])

GOOD, BAD = (
    f"HTTP/1.1 {status}\r\nx-release: {NAME}\r\ncontent-length: 3\r\n\r\nok\n".encode()
    for status in ("200 OK", "500 Internal Server Error")
)


class Connection(asyncio.Protocol):
    """One connection, kept alive; a request has no body. Health is asked by name and never fails."""

    live: ClassVar[set["Connection"]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self._rest = transport, b""
        self.live.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.live.discard(self)

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            well = head.startswith(b"GET /health") or random.random() >= FAIL_RATIO
            self.transport.write(GOOD if well else BAD)


async def main() -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Connection, "127.0.0.1", int(os.environ["PORT"]), backlog=256)
    await stop.wait()
    await asyncio.sleep(RELEASE["stop_s"])
    server.close()
    for connection in list(Connection.live):  # the proxy has let go of it before it is stopped
        connection.transport.close()


if __name__ == "__main__":
    asyncio.run(main())
