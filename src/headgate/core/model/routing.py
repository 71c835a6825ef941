"""Routing of one unit: who reaches which version, as one value that the proxy swaps at once."""

from typing import Literal, TypeVar

import msgspec

from headgate.core.model.identity import Unit, Version
from headgate.core.model.proxy_rules import ProxyRules

W = TypeVar("W", int, float)

WHOLE = 100
"""All of the traffic, in percent."""


def beside(weight: W) -> W:
    """The share of a fresh baseline beside a canary with `weight` percent: as much, or what is left."""
    return min(weight, WHOLE - weight)


class Match(msgspec.Struct, frozen=True):
    """Requests whose header or cookie `name` has exactly `value` go to the canary, whatever the weight."""

    kind: Literal["header", "cookie"]
    name: str
    value: str


class Sticky(msgspec.Struct, frozen=True):
    """Keeps a client on one arm: by a cookie the proxy sets (`ttl_s`), or by the hash of a header it sends."""

    kind: Literal["cookie", "header"]
    name: str
    ttl_s: int = 3600


class Listener(msgspec.Struct, frozen=True):
    """Where a unit is reached, and how.

    `preview_port` and the header `preview_header: canary` reach the canary directly.
    `proxy` is how its requests are treated there; what of that concerns instances (`protocol`, `instance_idle_s`) is
    each version's own.
    """

    port: int
    host: str = "127.0.0.1"
    preview_port: int | None = None
    preview_header: str = "x-headgate-preview"
    proxy: ProxyRules = ProxyRules()


class Routing(msgspec.Struct, frozen=True):
    """The traffic of one unit.

    `weight` is the percentage (0..100) of requests that reach `canary`; stable has the rest, so weights sum to 100
    by construction. `mirror` is the percentage of requests copied to the canary, whose answers are thrown away.
    With `canary=None`, weight and mirror are 0 and there are no matches. With `stable=None` (nothing has ever been
    released) and no canary, the proxy answers 503. `fresh` is the fresh baseline: a second run of stable, which takes
    as much of stable's share as the canary has, or all of it where that is less.
    `one_way`: nobody may be taken from the canary back to stable, whoever asks.
    """

    unit: Unit
    listener: Listener
    stable: Version | None
    canary: Version | None = None
    weight: int = 0
    matches: tuple[Match, ...] = ()
    mirror: int = 0
    sticky: Sticky | None = None
    fresh: Version | None = None
    one_way: bool = False

    def __post_init__(self) -> None:
        """Refuse what no proxy could carry out. Raises ValueError."""
        if not 0 <= self.weight <= WHOLE or not 0 <= self.mirror <= WHOLE:
            message = f"weight {self.weight} and mirror {self.mirror} must lie in 0..100"
            raise ValueError(message)
        if self.canary is None and (self.weight or self.mirror or self.matches):
            message = "traffic cannot be sent to a canary that is not there"
            raise ValueError(message)
        if self.fresh is not None and (self.canary is None or self.stable is None):
            message = "a fresh baseline is stable's, beside a canary"
            raise ValueError(message)

    @property
    def exposed(self) -> bool:
        """True when real requests, or copies of them, can reach the canary."""
        return self.canary is not None and bool(self.weight or self.matches or self.mirror)

    @property
    def fresh_weight(self) -> int:
        """The percentage of requests that reach the fresh baseline."""
        return beside(self.weight) if self.fresh is not None else 0

    @property
    def stable_weight(self) -> int:
        """The percentage of requests that reach stable as it runs."""
        return WHOLE - self.weight - self.fresh_weight

    def versions(self) -> tuple[Version, ...]:
        """The versions that must be running for this routing to be carried out."""
        return tuple(one for one in (self.stable, self.canary, self.fresh) if one is not None)
