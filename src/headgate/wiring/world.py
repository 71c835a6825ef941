"""Every port of a home: which plugin stands behind which."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from headgate.controller.sources import Closable, Sources
from headgate.controller.world import World
from headgate.core.model import Source, Version
from headgate.plugins.traffic.envoy import cluster_name
from headgate.ports import Signals
from headgate.ports.processes import Processes
from headgate.ports.registry import create, names
from headgate.ports.retreat import HomeRetreats
from headgate.ports.wires import Wires
from headgate.wiring import stores
from headgate.wiring.guards import GUARDS
from headgate.wiring.secrets import keeper_at

TARGET = "local"
TRAFFIC = "envoy"
PROXY, SERVICE = "envoy", "service"
"""The first signals measure the traffic itself; those of the service add to them."""

ALWAYS_ASKED = ("artifact", "baseline")


class Sourcing(Protocol):
    """What is measured beside the proxy: here, or by another process."""

    @property
    def service(self) -> Signals:
        """The services' own metrics."""
        ...

    def open(self, source: Source) -> Signals:
        """A declared source. Raises PortError when it cannot be opened."""
        ...

    async def aclose(self) -> None:
        """Let go of everything that is held open."""
        ...


class Measuring:
    """Sourcing in this process, which it lets ask others, and be sent what it did not ask for."""

    def __init__(self, home: Path, processes: Processes) -> None:
        from headgate.plugins.web.client import HttpWeb
        from headgate.web.entrance import allowed_at
        from headgate.web.receiving import Receiving

        bounds = allowed_at(home)
        self._receiving = Receiving()
        self._web, self._public_web = HttpWeb(bounds=bounds), HttpWeb(bounds=bounds.narrowed())
        bare = Wires(home, processes, stores.open_artifacts(home), lambda _: (), keeper=keeper_at(home))
        target = create("targets", TARGET, bare)
        wires = replace(
            bare,
            target=target,
            addresses=target.addresses,
            arm=cluster_name,
            web=self._web,
            public_web=self._public_web,
            bounds=bounds,
            serve=self._receiving.serve,
        )
        self._sources = Sources(lambda source: create("signals", source.kind, wires.declared(source)))
        self.service: Signals = create("signals", SERVICE, wires)

    def open(self, source: Source) -> Signals:
        """See Sourcing."""
        return self._sources.open(source)

    async def aclose(self) -> None:
        """See Sourcing."""
        await self._sources.aclose()
        if isinstance(self.service, Closable):
            await self.service.aclose()
        await self._receiving.aclose()
        await self._web.aclose()
        await self._public_web.aclose()


def build_world(home: Path, processes: Processes, sourcing: Sourcing | None = None) -> World:
    """Every port of a home, by name from the registry; sources that a release declares are opened when it asks.

    `sourcing` None: sources are read in this process. Raises Permanent for a plugin that is missing or broken.
    """
    sourcing = sourcing or Measuring(home, processes)
    routed_by: list[Any] = []

    async def changed(version: Version) -> None:
        for traffic in routed_by:
            await traffic.refresh(version)

    bare = Wires(home, processes, stores.open_artifacts(home), lambda _: (), changed, guards=GUARDS)
    target = create("targets", TARGET, bare)
    wires = replace(bare, target=target, addresses=target.addresses)
    traffic = create("traffic", TRAFFIC, wires)
    routed_by.append(traffic)
    wires = replace(wires, fetch=traffic.admin.get, arm=cluster_name)
    return World(
        target=target,
        traffic=traffic,
        signals=(create("signals", PROXY, wires), sourcing.service),
        gates={name: create("gates", name, wires) for name in names("gates")},
        always_asked=ALWAYS_ASKED,
        retreats=HomeRetreats(home),
        open_source=sourcing.open,
        close=sourcing.aclose,
    )
