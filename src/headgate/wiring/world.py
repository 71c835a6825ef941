"""Every port of a home: which plugin stands behind which, by its name in the registry."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from headgate.controller.sources import Closable, Sources
from headgate.controller.world import World
from headgate.core.model import Source
from headgate.ports import Signals
from headgate.ports.processes import Processes
from headgate.ports.registry import create, names
from headgate.ports.retreat import HomeRetreats
from headgate.wiring.platforms import bare_wires, platforms_of
from headgate.wiring.secrets import keeper_at

ALWAYS_ASKED = ("artifact", "baseline")


class Sourcing(Protocol):
    """What is measured beside the traffic: here, or by another process."""

    def metrics(self, platform: str) -> tuple[Signals, ...]:
        """The services' own metrics on the platform of this name. Raises PortError."""
        ...

    def open(self, source: Source, platform: str) -> Signals:
        """A source that is declared for versions on a platform. Raises PortError when it cannot be opened."""
        ...

    async def aclose(self) -> None:
        """Let go of everything that is held open."""
        ...


class Measuring:
    """Sourcing in this process, which it lets ask others, and be sent what it did not ask for."""

    def __init__(self, home: Path, processes: Processes) -> None:
        from headgate.plugins.web.client import HttpWeb
        from headgate.web.entrance import allowed_at
        from headgate.web.http.receiving import Receiving

        bounds = allowed_at(home)
        self._receiving = Receiving()
        self._web, self._public_web = HttpWeb(bounds=bounds), HttpWeb(bounds=bounds.narrowed())
        self._wires = replace(
            bare_wires(home, processes),
            keeper=keeper_at(home),
            web=self._web,
            public_web=self._public_web,
            bounds=bounds,
            serve=self._receiving.serve,
        )
        self._platforms = platforms_of(self._wires)
        self._sources = Sources(self._opened)

    def _opened(self, source: Source, platform: str) -> Signals:
        found = self._platforms.open(platform)
        wires = replace(self._wires, target=found.target, arm=found.arm)
        signals: Signals = create("signals", source.kind, wires.declared(source))
        return signals

    def metrics(self, platform: str) -> tuple[Signals, ...]:
        """See Sourcing."""
        found = self._platforms.open(platform).metrics
        return () if found is None else (found,)

    def open(self, source: Source, platform: str) -> Signals:
        """See Sourcing."""
        return self._sources.open(source, platform)

    async def aclose(self) -> None:
        """See Sourcing."""
        await self._sources.aclose()
        for platform in self._platforms.made():
            metrics: object = platform.metrics
            if isinstance(metrics, Closable):
                await metrics.aclose()
        await self._platforms.aclose()
        await self._receiving.aclose()
        await self._web.aclose()
        await self._public_web.aclose()


def build_world(home: Path, processes: Processes, sourcing: Sourcing | None = None) -> World:
    """Every port of a home, by name from the registry; sources that a release declares are opened when it asks.

    `sourcing` None: sources are read in this process. Raises Permanent for a plugin that is missing or broken.
    """
    sourcing = sourcing or Measuring(home, processes)
    bare = bare_wires(home, processes)
    platforms = platforms_of(bare)
    wires = replace(bare, platform=platforms.open)

    async def closed() -> None:
        await sourcing.aclose()
        await platforms.aclose()

    return World(
        platforms=platforms,
        gates={name: create("gates", name, wires) for name in names("gates")},
        always_asked=ALWAYS_ASKED,
        retreats=HomeRetreats(home),
        service=sourcing.metrics,
        open_source=sourcing.open,
        close=closed,
    )
