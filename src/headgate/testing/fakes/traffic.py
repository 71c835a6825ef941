"""A data plane in memory, with the same contract as a real one. For tests and the simulation."""

from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie

import msgspec

from headgate.core.machine.events import EffectId
from headgate.core.model import Match, Routing, Unit, Version
from headgate.ports.errors import Permanent, Temporary

_PERCENT = 100


class Plane(msgspec.Struct):
    """What lives on when the port object dies: routings, applied effects, requests under way."""

    routings: dict[Unit, Routing] = {}
    effects: dict[Unit, tuple[EffectId, ...]] = {}
    active: dict[Version, int] = {}


class MemoryTraffic:
    """The port over a plane; `running` says whether a version has an instance (always, if it is not given)."""

    def __init__(self, plane: Plane | None = None, running: Callable[[Version], bool] | None = None) -> None:
        self.plane = plane or Plane()
        self._running = running

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        """See ports.Traffic. Raises Permanent for a stale effect, Temporary for a version without an instance."""
        unit = routing.unit
        effects = self.plane.effects.get(unit, ())
        for one in effects:
            if one.release == effect.release and (effect.sequence, effect.n) < (one.sequence, one.n):
                raise Permanent(f"effect {effect} is stale: {one} has been applied to {unit} already")
        if effect in effects:
            return
        for version in self.receiving(routing):
            if self._running is not None and not self._running(version):
                raise Temporary(f"{version} has no running instance to send requests to")
        self.plane.effects[unit] = (*(one for one in effects if one.release != effect.release), effect)
        self.plane.routings[unit] = routing

    async def observed(self, unit: Unit) -> Routing | None:
        """See ports.Traffic."""
        return self.plane.routings.get(unit)

    async def remembered(self) -> tuple[EffectId, ...]:
        """See ports.Traffic."""
        return tuple(effect for effects in self.plane.effects.values() for effect in effects)

    async def withdraw(self, unit: Unit) -> None:
        """See ports.Traffic."""
        self.plane.routings.pop(unit, None)
        self.plane.effects.pop(unit, None)

    async def idle(self, unit: Unit) -> bool:
        """See ports.Traffic. `plane.active` says how many requests are under way."""
        routing = self.plane.routings.get(unit)
        busy = set[Version]() if routing is None else set(self.receiving(routing))
        return not any(
            n for version, n in self.plane.active.items() if version.unit == unit and version not in busy
        )

    @staticmethod
    def receiving(routing: Routing) -> tuple[Version, ...]:
        """The versions that get live requests or copies of them."""
        stable = (routing.stable,) if routing.stable is not None and routing.stable_weight else ()
        canary = (routing.canary,) if routing.canary is not None and routing.exposed else ()
        fresh = (routing.fresh,) if routing.fresh is not None and routing.fresh_weight else ()
        return (*stable, *canary, *fresh)

    def reach(
        self, unit: Unit, headers: Mapping[str, str] | None = None, draw: float = 0.0
    ) -> Version | None:
        """The version a request with these headers reaches; None: it is answered 503.

        `draw` in [0, 1) decides by weight: the canary has the lowest part of it, a fresh baseline the highest.
        """
        routing = self.plane.routings.get(unit)
        if routing is None:
            return None
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        preview = sent.get(routing.listener.preview_header.lower()) == "canary"
        if routing.canary is not None and (
            preview or any(_matches(match, sent) for match in routing.matches)
        ):
            return routing.canary
        if draw < routing.weight / _PERCENT:
            return routing.canary
        return routing.stable if draw < 1 - routing.fresh_weight / _PERCENT else routing.fresh


def _matches(match: Match, headers: Mapping[str, str]) -> bool:
    if match.kind == "header":
        return headers.get(match.name.lower()) == match.value
    cookie = SimpleCookie(headers.get("cookie", "")).get(match.name)
    return cookie is not None and cookie.value == match.value
