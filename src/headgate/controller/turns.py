"""Orders to the same version take turns, also when two releases give them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from headgate.core.model import Version


class Turns:
    """One lock a version, kept only while somebody uses it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Version, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, version: Version) -> AsyncGenerator[None]:
        """Wait until nobody else gives orders to `version`."""
        lock = self._locks.setdefault(version, asyncio.Lock())
        async with lock:
            yield
