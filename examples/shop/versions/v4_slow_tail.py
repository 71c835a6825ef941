"""v4: an audit log. Broken: one request of twelve waits 400 to 900 ms for it.

How it happened: every request adds an entry, and entries go to the collector in batches of twelve. The batch
is sent by the request that fills it, while its customer waits. The collector closes connections that were
quiet for a second, so the first attempt always finds a dead one, and the retry backs off first (with jitter,
as the guideline says). In the load test the batches came so fast that the connection never got quiet. The
median does not move at all; the tail does.
"""

import asyncio
import random

from shop.application import Application, Endpoint
from shop.message import Request, Response
from shop.settings import Settings

BATCH = 12
BACK_OFF_S = (0.4, 0.9)


class Collector:
    """The connection to the audit collector."""

    def __init__(self) -> None:
        self._jitter = random.Random(12)
        self.delivered = 0

    async def send(self, entries: list[str]) -> None:
        """Deliver, with one retry."""
        try:
            self._write(entries, fresh=False)
        except ConnectionResetError:
            await asyncio.sleep(self._jitter.uniform(*BACK_OFF_S))
            self._write(entries, fresh=True)

    def _write(self, entries: list[str], *, fresh: bool) -> None:
        if not fresh:
            raise ConnectionResetError("the collector closed the connection while it was quiet")
        self.delivered += len(entries)


class Shop(Application):
    """Writes down every request, for the auditors."""

    version = "v4-slow-tail"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._collector = Collector()
        self._entries: list[str] = []

    async def respond(self, endpoint: Endpoint, request: Request) -> Response:
        """The answer, once its audit entry is safe. Probes and scrapes are no business of the auditors."""
        if not request.path.startswith(("/healthz/", "/metrics")):
            await self._audit(f"{request.method} {request.path}")
        return await super().respond(endpoint, request)

    async def _audit(self, entry: str) -> None:
        self._entries.append(entry)
        if len(self._entries) >= BATCH:
            batch, self._entries = self._entries, []
            await self._collector.send(batch)
