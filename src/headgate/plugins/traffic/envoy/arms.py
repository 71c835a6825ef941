"""Versions in the proxy: their clusters and instances, from before they get traffic until after they are gone."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from headgate.core.model import ProxyRules, Routing, Unit, Version
from headgate.plugins.traffic.envoy import confirmation
from headgate.plugins.traffic.envoy.admin import Admin
from headgate.plugins.traffic.envoy.bootstrap import Options
from headgate.plugins.traffic.envoy.clusters import address_of, cluster, endpoints, unasked, version_of
from headgate.plugins.traffic.envoy.delivery import Change, deliver
from headgate.plugins.traffic.envoy.files import Folder, Resources, resources
from headgate.plugins.traffic.envoy.names import cluster_name
from headgate.plugins.traffic.envoy.spoken import objection, spoken_at
from headgate.plugins.traffic.envoy.threads import in_thread
from headgate.ports.errors import Permanent, PortError, Temporary

Rules = Callable[[Version], ProxyRules]

DRAINING_MAX = 32
_ACTIVE = ("upstream_rq_active", "upstream_rq_pending_active")


class Arms:
    """The clusters of one Envoy. `addresses` is where a version's instances are, `rules` what it declares of them."""

    def __init__(
        self,
        folder: Folder,
        admin: Admin,
        addresses: Callable[[Version], Sequence[str]],
        options: Options,
        rules: Rules | None = None,
    ) -> None:
        self._folder = folder
        self._admin = admin
        self._addresses = addresses
        self._options = options
        self._rules = rules

    async def changes(self, routing: Routing) -> list[Change]:
        """What makes a warm cluster for every version of `routing`, and drops those of versions that are gone.

        Raises Temporary when a version that is to get requests has no instance, Permanent when the canary does not
        speak what it declares.
        """
        for version in receiving(routing):
            if not self._addresses(version):
                raise Temporary(f"{version} has no running instance to send requests to")
        asked_again = {cluster_name(one) for one in routing.versions() if self._addresses(one)}
        kept = [
            found
            for found in await self._kept(routing)
            if not (unasked(found) and found["name"] in asked_again)
        ]
        names = {found["name"] for found in kept}
        added = [
            await self._cluster(version, routing)
            for version in routing.versions()
            if cluster_name(version) not in names
        ]
        changes = [self._endpoints(version) for version in routing.versions()]
        return [*changes, Change(self._folder.clusters, confirmation.CLUSTERS, [*kept, *added])]

    def forget(self) -> None:
        """Remove the files of versions that have no cluster any more."""
        self._folder.forget_endpoints({found["name"] for found in resources(self._folder.clusters)})

    async def refresh(self, version: Version) -> None:
        """Send requests to where the version's instances are now; those that have left finish what they have."""
        if any(found["name"] == cluster_name(version) for found in resources(self._folder.clusters)):
            await deliver(self._admin, self._folder.log, [self._endpoints(version)])

    async def active(self, versions: Iterable[Version]) -> int:
        """The requests under way to `versions`, those waiting for a connection included."""
        names = "|".join(re.escape(cluster_name(version)) for version in versions)
        if not names:
            return 0
        stats = await self._admin.stats(rf"cluster\.({names})\.({'|'.join(_ACTIVE)})")
        return sum(int(value) for value in stats.values())

    async def active_at(self, version: Version, addresses: Iterable[str]) -> int:
        """The requests under way to these instances of `version`."""
        wanted = set(addresses)
        answer = await self._admin.json("/clusters?format=json")
        found = [one for one in answer.get("cluster_statuses", ()) if one["name"] == cluster_name(version)]
        hosts = [
            host
            for one in found
            for host in one.get("host_statuses", ())
            if address_of(host["address"]) in wanted
        ]
        return sum(_stat(host, "rq_active") for host in hosts)

    def versions(self, unit: Unit) -> list[Version]:
        """The versions of `unit` that have a cluster."""
        return [
            version for version in map(version_of, resources(self._folder.clusters)) if version.unit == unit
        ]

    async def _kept(self, routing: Routing) -> Resources:
        """The clusters there are, without those that nothing refers to, that have no instance and no request."""
        in_force = {
            version for applied in self._folder.every_applied() for version in applied.routing.versions()
        }
        needed = in_force | set(routing.versions())
        kept: Resources = []
        for found in resources(self._folder.clusters):
            version = version_of(found)
            if version in needed or self._addresses(version) or await self.active([version]):
                kept.append(found)
        return kept

    async def _cluster(self, version: Version, routing: Routing) -> dict[str, Any]:
        rules = await self._rules_of(version, routing)
        addresses = self._addresses(version)
        spoken = await spoken_at(addresses[0]) if addresses else ""
        if version == routing.canary and (wrong := objection(rules.protocol, spoken)):
            raise Permanent(f"{version}: {wrong}")  # never of stable: it is what one goes back to
        file = str(self._folder.endpoints(version))
        return cluster(version, rules, spoken, endpoints_file=file, options=self._options)

    async def _rules_of(self, version: Version, routing: Routing) -> ProxyRules:
        """What the version itself declares; where that cannot be read, what holds for the unit."""
        if self._rules is not None:
            with contextlib.suppress(PortError):
                return await in_thread(self._rules, version)
        return routing.listener.proxy

    def _endpoints(self, version: Version) -> Change:
        name, file = cluster_name(version), self._folder.endpoints(version)
        known = [address for assignment in resources(file) for address in _addresses_in(assignment)]
        now = self._addresses(version)
        leaving = [address for address in known if address not in now][-DRAINING_MAX:]
        return Change(file, confirmation.endpoints_of(name), [endpoints(name, now, leaving)])


def receiving(routing: Routing) -> Iterator[Version]:
    """The versions that `routing` sends live requests, or copies of them, to."""
    if routing.stable is not None and routing.stable_weight:
        yield routing.stable
    if routing.canary is not None and routing.exposed:
        yield routing.canary
    if routing.fresh is not None and routing.fresh_weight:
        yield routing.fresh


def _addresses_in(assignment: dict[str, Any]) -> Iterator[str]:
    for locality in assignment.get("endpoints", ()):
        for one in locality.get("lb_endpoints", ()):
            yield address_of(one["endpoint"]["address"])


def _stat(host: dict[str, Any], name: str) -> int:
    return sum(int(stat.get("value", 0)) for stat in host.get("stats", ()) if stat["name"] == name)
