"""The port: order the changes so that nothing breaks, and believe only what Envoy says of itself."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from headgate.core.machine.events import EffectId
from headgate.core.model import ProxyRules, Routing, Unit, Version
from headgate.core.model.places import reached_at
from headgate.plugins.traffic.envoy import confirmation, proxy
from headgate.plugins.traffic.envoy.admin import AbsentError, Admin, admin_socket
from headgate.plugins.traffic.envoy.arms import Arms, Rules, receiving
from headgate.plugins.traffic.envoy.bootstrap import Options
from headgate.plugins.traffic.envoy.delivery import Change, deliver, pending
from headgate.plugins.traffic.envoy.effects import StaleError, applied_before, remembered
from headgate.plugins.traffic.envoy.files import LOCK_WAIT_S, Folder, Resources, resources
from headgate.plugins.traffic.envoy.listeners import listeners
from headgate.plugins.traffic.envoy.names import preview_name, unit_name
from headgate.plugins.traffic.envoy.routes import Applied, applied_of, routes
from headgate.plugins.traffic.envoy.threads import in_thread
from headgate.plugins.traffic.envoy.way_back import WayBack, takes_back
from headgate.ports.errors import PortError, Temporary
from headgate.ports.processes import Processes

if TYPE_CHECKING:
    from headgate.ports.wires import Wires  # `status` loads this file, and asks for less

SETTLE_S = 0.1
"""How long after a confirmation a worker thread of Envoy may still be choosing by the routes before."""

OPENS_WITHIN_S = 2.0
ANSWERS_WITHIN_S = 0.3
"""An Envoy that takes longer is not waited for when users are to be taken off a canary."""


class EnvoyTraffic:
    """One Envoy per home, configured by the files in `home/envoy`; it outlives whoever asked for it.

    `addresses` says where the instances of a version are now (`host:port`, IP addresses), without those that are to
    get no new requests; `rules` what a version declares of its own instances. Effects that were applied are remembered
    in the files themselves.
    """

    def __init__(
        self,
        home: Path,
        processes: Processes,
        addresses: Callable[[Version], Sequence[str]],
        options: Options | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.admin = Admin(admin_socket(home))
        self._folder = Folder(home / "envoy")
        self._processes = processes
        self._options = options or Options()
        self._arms = Arms(self._folder, self.admin, addresses, self._options, rules)
        self._moved_at: dict[Unit, float] = {}

    async def start(self) -> None:
        """Have Envoy run with its last configuration, if it does not. Raises as `apply` does."""
        if await self.admin.ready():
            return
        await proxy.start(self._processes, self.admin, self._folder, self._options)

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        """Route like this (see ports.Traffic).

        New versions are warm before routes name them, routes are swapped at once, the listener stays as it is.

        An effect is stale when a later one of its release was applied to the unit, whichever process applied it.
        Raises Permanent for a stale effect and with Envoy's own reason when it refuses (a port that is taken): all is
        then as before. Raises Temporary when Envoy does not start or confirm in time, or a version that is to get
        requests has no instance.
        """
        way_back = self._way_back(effect, routing)
        if way_back is not None and not await self._answers():
            way_back.write()  # first: whoever confirms it may be long in coming
        try:
            await self._apply(effect, routing, LOCK_WAIT_S if way_back is None else way_back.LOCK_WAIT_S)
        except StaleError:
            raise
        except PortError as error:
            if way_back is None:
                raise
            raise Temporary(f"{error}; {await way_back.second()}") from error

    async def _apply(self, effect: EffectId, routing: Routing, wait_s: float) -> None:
        async with self._folder.locked(wait_s):
            before = self._folder.applied(routing.unit)
            effects = before.effects if before is not None else ()
            again = applied_before(effect, effects)
            await self.start()
            if again and await self._in_force(routing.unit):
                return
            arms = await self._arms.changes(routing)
            if again or pending(arms):  # warm before routes name them; usually they are
                await deliver(self.admin, self._folder.log, arms, again=again)
            await self._route(Applied(routing, remembered(effects, effect)), arms, again=again)
            self._arms.forget()
            self._moved_at[routing.unit] = time.monotonic()

    def _way_back(self, effect: EffectId, routing: Routing) -> WayBack | None:
        """How users can be taken off a canary even now; None for any other change, which takes the proper way only."""
        before = self._folder.applied(routing.unit)
        if before is None or not takes_back(before.routing, routing):
            return None
        return WayBack(self._folder, self.admin, before, effect, routing)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                return await self.admin.ready()
        except TimeoutError:
            return False

    async def observed(self, unit: Unit) -> Routing | None:
        """What Envoy itself says it does for `unit`. Raises Temporary when it does not answer though it should."""
        if not self._folder.routes(unit).exists():
            return None
        name = quote(f"^{re.escape(unit_name(unit))}$")
        try:
            dump = await self.admin.json(f"/config_dump?resource=dynamic_route_configs&name_regex={name}")
        except AbsentError:
            return None
        for found in dump.get("configs", ()):
            return applied_of(found.get("route_config", {}), "what Envoy says of itself").routing
        return None

    async def remembered(self) -> tuple[EffectId, ...]:
        """As the port says: the route files know what they were made by."""
        every = await in_thread(self._folder.every_applied)
        return tuple(effect for applied in every for effect in applied.effects)

    async def withdraw(self, unit: Unit) -> None:
        """Take the unit's listeners away, then what they routed by (see ports.Traffic). Raises as `apply` does."""
        async with self._folder.locked():
            names = (unit_name(unit), preview_name(unit))
            found = resources(self._folder.listeners)
            left = [one for one in found if one["name"] not in names]
            if left != found:
                await self.start()
                change = Change(self._folder.listeners, confirmation.LISTENERS, left)
                await deliver(self.admin, self._folder.log, [change])
            self._folder.routes(unit).unlink(missing_ok=True)
            self._moved_at[unit] = time.monotonic()

    async def idle(self, unit: Unit) -> bool:
        """True when no request is under way to a version of `unit` that gets no new ones. Raises Temporary."""
        if time.monotonic() - self._moved_at.get(unit, -SETTLE_S) < SETTLE_S:
            return False
        applied = self._folder.applied(unit)
        busy = set[Version]() if applied is None else set(receiving(applied.routing))
        return not await self._arms.active(
            version for version in self._arms.versions(unit) if version not in busy
        )

    async def refresh(self, version: Version) -> None:
        """Look at the instances of `version` again, after they changed without a change of routing.

        An instance that is not among its addresses any more gets no new requests once this returns, and finishes those
        it has: see `quiet`. Nothing happens for a version the proxy does not know. Raises as `apply` does.
        """
        async with self._folder.locked():
            await self.start()
            await self._arms.refresh(version)

    async def quiet(self, version: Version, addresses: Sequence[str]) -> bool:
        """True when no request is under way to these instances of `version`. Raises Temporary."""
        return not await self._arms.active_at(version, addresses)

    async def _route(self, applied: Applied, arms: list[Change], *, again: bool) -> None:
        unit, listener, name = applied.routing.unit, applied.routing.listener, unit_name(applied.routing.unit)
        file = self._folder.routes(unit)
        own = listeners(unit, listener, routes_file=str(file))
        others = [
            one for one in resources(self._folder.listeners) if one["name"] not in (name, preview_name(unit))
        ]
        wanted: Resources = sorted([*others, *own], key=lambda one: str(one["name"]))
        changes = [*arms, Change(file, confirmation.routes_of(name), [routes(applied)])]
        opened: Resources = []
        if again or wanted != resources(self._folder.listeners) or not await self._listens(own):
            changes.append(Change(self._folder.listeners, confirmation.LISTENERS, wanted))
            opened = own
        await deliver(self.admin, self._folder.log, changes, again=again)
        for one in opened:
            await _open(one["address"]["socket_address"])

    async def _listens(self, own: Resources) -> bool:
        """Whether Envoy has these listeners; that another unit's port is a stranger's is no matter of theirs."""
        answer = await self.admin.json("/listeners?format=json")
        active = {str(one.get("name", "")) for one in answer.get("listener_statuses", ())}
        return all(one["name"] in active for one in own)

    async def _in_force(self, unit: Unit) -> bool:
        applied = self._folder.applied(unit)
        return applied is not None and await self.observed(unit) == applied.routing


async def _open(address: dict[str, str | int]) -> None:
    """Return when a new listener takes connections. Raises Temporary when it does not in OPENS_WITHIN_S."""
    host, port = str(address["address"]), int(address["port_value"])
    until = time.monotonic() + OPENS_WITHIN_S
    while True:
        try:
            _, writer = await asyncio.wait_for(
                asyncio.open_connection(reached_at(host), port), OPENS_WITHIN_S
            )
        except OSError as error:
            if time.monotonic() > until:
                raise Temporary(
                    f"Envoy has a listener at {host}:{port} that takes no connections: {error}"
                ) from error
            await asyncio.sleep(0.005)
        else:
            writer.close()
            return


def create(wires: "Wires") -> EnvoyTraffic:
    """The plugin's factory."""

    def rules(version: Version) -> ProxyRules:
        listener = wires.artifacts.configuration(version.configuration).listener
        return listener.proxy if listener is not None else ProxyRules()

    return EnvoyTraffic(wires.home, wires.processes, wires.addresses, rules=rules)
