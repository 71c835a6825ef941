"""The sources of signals that legs declare: opened when first asked, shared by all who declare the same, closed."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec

from headgate.core.model import Arm, Source, Version
from headgate.ports import Permanent, PortError, Signals

OPEN_MAX = 256
"""So many stay open; of more, those asked longest ago are closed."""


@runtime_checkable
class Closable(Protocol):
    """A source that holds something open."""

    async def aclose(self) -> None:
        """Let go of it."""
        ...


class Sources:
    """Opens each source once for each platform, by its content. `create` makes one and raises PortError."""

    def __init__(self, create: Callable[[Source, str], Signals]) -> None:
        self._create = create
        self._open: dict[tuple[bytes, str], Signals] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def open(self, source: Source, platform: str) -> Signals:
        """The open source, for versions on a platform. Raises PortError when it cannot be opened."""
        key = (msgspec.json.encode(source), platform)
        signals = self._open.pop(key, None) or self._create(source, platform)
        self._open[key] = signals
        while len(self._open) > OPEN_MAX:
            oldest = self._open.pop(next(iter(self._open)))
            task = asyncio.ensure_future(_close(oldest))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return signals

    async def aclose(self) -> None:
        """Close all of them."""
        signals, self._open = list(self._open.values()), {}
        await asyncio.gather(*self._closing, *map(_close, signals))


class Opening:
    """A source that is opened when it is read, so that one that cannot be opened is as silent as one that is down."""

    def __init__(self, open_source: Callable[[Source, str], Signals], source: Source, platform: str) -> None:
        self._open = open_source
        self._source = source
        self._platform = platform

    async def read(self, version: Version) -> Arm:
        """See ports.Signals; what goes wrong is told with the source's name."""
        try:
            return await self._open(self._source, self._platform).read(version)
        except PortError as error:
            raise type(error)(f"{self._source.name}: {error}") from error

    def __str__(self) -> str:
        return self._source.name


def no_sources(source: Source, platform: str) -> Signals:
    """A world without sources. Raises Permanent."""
    raise Permanent(f"the source {source.name} cannot be opened on `{platform}`: no plugins are wired")


async def _close(signals: Signals) -> None:
    if isinstance(signals, Closable):
        with contextlib.suppress(PortError):
            await signals.aclose()
