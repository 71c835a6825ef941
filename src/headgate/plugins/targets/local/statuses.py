"""What the supervisor says, asked once for all who want to know within a moment."""

import asyncio

from headgate.ports.processes import Processes, ProcessStatus

FRESH_S = 0.02


class Statuses:
    """The programs whose name starts with `prefix`; an answer is good for `FRESH_S` seconds."""

    def __init__(self, processes: Processes, prefix: str) -> None:
        self._processes = processes
        self._prefix = prefix
        self._lock = asyncio.Lock()
        self._known: dict[str, ProcessStatus] = {}
        self._asked = float("-inf")

    async def of(self, name: str) -> ProcessStatus | None:
        """The program called `name`, None when there is none. Raises Temporary."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._asked > FRESH_S:
                self._known = {status.name: status for status in await self._processes.list(self._prefix)}
                self._asked = asyncio.get_running_loop().time()
            return self._known.get(name)
