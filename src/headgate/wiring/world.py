"""Every port of a home: which plugin stands behind which."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from headgate.controller.sources import Sources
from headgate.controller.world import World
from headgate.core.model import Version
from headgate.plugins.traffic.envoy import cluster_name
from headgate.plugins.web.client import HttpWeb
from headgate.ports.processes import Processes
from headgate.ports.registry import create, names
from headgate.ports.retreat import HomeRetreats
from headgate.ports.wires import Wires
from headgate.web.entrance import allowed_at
from headgate.web.receiving import Receiving
from headgate.wiring import stores
from headgate.wiring.guards import GUARDS

TARGET = "local"
TRAFFIC = "envoy"
SIGNALS = ("envoy", "service")
"""The first measures the traffic itself; the others add to it."""

ALWAYS_ASKED = ("artifact", "baseline")


def build_world(home: Path, processes: Processes) -> World:
    """Every port of a home, by name from the registry; sources that a release declares are opened when it asks.

    Raises Permanent for a plugin that is missing or broken.
    """
    bounds, receiving = allowed_at(home), Receiving()
    web, public_web = HttpWeb(bounds=bounds), HttpWeb(bounds=bounds.narrowed())
    routed_by: list[Any] = []

    async def changed(version: Version) -> None:
        for traffic in routed_by:
            await traffic.refresh(version)

    bare = Wires(
        home,
        processes,
        stores.open_artifacts(home),
        lambda _: (),
        changed,
        web=web,
        serve=receiving.serve,
        public_web=public_web,
        bounds=bounds,
        guards=GUARDS,
    )
    target = create("targets", TARGET, bare)
    wires = replace(bare, target=target, addresses=target.addresses)
    traffic = create("traffic", TRAFFIC, wires)
    routed_by.append(traffic)
    wires = replace(wires, fetch=traffic.admin.get, arm=cluster_name)
    sources = Sources(lambda source: create("signals", source.kind, wires.declared(source)))

    async def close() -> None:
        await sources.aclose()
        await receiving.aclose()
        await web.aclose()
        await public_web.aclose()

    return World(
        target=target,
        traffic=traffic,
        signals=tuple(create("signals", name, wires) for name in SIGNALS),
        gates={name: create("gates", name, wires) for name in names("gates")},
        always_asked=ALWAYS_ASKED,
        retreats=HomeRetreats(home),
        open_source=sources.open,
        close=close,
    )
