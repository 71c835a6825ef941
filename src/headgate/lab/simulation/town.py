"""The town outside: instances, routing, requests and their counters, which live on when a controller dies.

An order that was accepted is carried out even if whoever gave it has died meanwhile, or has long stopped waiting; a
newer order to the same thing takes its place.
"""

import asyncio
import math
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from random import Random

from msgspec.structs import replace

from headgate.core.machine.events import EffectId
from headgate.core.model import Applied, Arm, Counts, Histogram, Routing, Unit, Version
from headgate.lab.simulation.scenario import Make, Scenario

BUCKETS_MS = (50.0, 200.0, 1000.0)
BURST_SHARE = 0.02
BURST_RATIO = 0.05
"""How often a moment is bad for everybody alike, and how bad: a shared dependency stumbles."""


UNKNOWN_SHARE = 0.5
"""How often a command of which nobody knows was carried out."""


@dataclass
class Tally:
    """The counters of one version since it was started, or since they were reset."""

    requests: int = 0
    errors: int = 0
    slow: int = 0


@dataclass
class Order:
    """Something that will have happened at its time, unless a newer order to the same thing comes first."""

    effect: EffectId
    act: Callable[[], None]
    dropped: bool = False
    done: "asyncio.Event" = field(default_factory=asyncio.Event)

    def drop(self) -> None:
        """A newer order has come: this one will not be carried out any more."""
        self.dropped = True
        self.done.set()


class Town:
    """`running` holds the ready instances by version, `routing` what the proxy does, by unit."""

    def __init__(self, scenario: Scenario, loop: asyncio.AbstractEventLoop) -> None:
        self.scenario = scenario
        self.routing: dict[Unit, Routing] = {}
        self.running: dict[Version, int] = {}
        self.died: set[Version] = set()
        self.done: dict[EffectId, int] = {}
        self.ran: dict[EffectId, Applied] = {}
        self.changes: set[tuple[Unit, str]] = set()
        self.mutations = 0
        self.quiet: set[Version] = set()
        self.left_at: dict[Version, float] = {}
        self._orders: dict[object, Order] = {}
        self._counters: dict[Version, Tally] = {}
        self._newest: dict[tuple[object, str], int] = {}
        self._flowed_at: dict[Unit, float] = {}
        self._loop = loop
        self._context = Context()
        self._random = Random(f"town {scenario.seed}")

    # --- orders ------------------------------------------------------------------------------------------------------

    def order(self, thing: object, effect: EffectId, act: Callable[[], None], takes_s: float) -> Order:
        """Accept an order; the same one again is the one that is under way, and a stale one is dropped."""
        if self.stale(thing, effect):
            stale = Order(effect, act)
            stale.drop()
            return stale
        self._newest[thing, effect.release] = effect.sequence
        under_way = self._orders.get(thing)
        if under_way is not None and under_way.effect == effect:
            return under_way
        if under_way is not None:
            under_way.drop()
        order = self._orders[thing] = Order(effect, act)
        self._loop.call_later(takes_s, self._carry_out, thing, order, context=self._context)
        return order

    def _carry_out(self, thing: object, order: Order) -> None:
        if order.dropped:
            return
        del self._orders[thing]
        order.act()
        self.mutations += 1
        order.done.set()

    def after(self, delay_s: float, act: Callable[[], None]) -> None:
        """Something that happens by itself."""
        self._loop.call_later(delay_s, act, context=self._context)

    # --- versions ----------------------------------------------------------------------------------------------------

    def make(self, version: Version) -> Make:
        """What is wrong with a version, if anything; a fresh one is like any other."""
        return self.scenario.makes[replace(version, fresh=False)]

    def start(self, effect: EffectId, version: Version, instances: int) -> None:
        """So many instances are ready now."""
        self.flow(version.unit)
        if not self.running.get(version):
            self._counters[version] = Tally()
        self.running[version] = instances
        self.died.discard(version)
        self.done[effect] = instances

    def stop(self, effect: EffectId, version: Version) -> None:
        """No instance is left."""
        self.flow(version.unit)
        self.running.pop(version, None)
        self.died.discard(version)
        self.done[effect] = 0

    def execute(self, effect: EffectId, change: tuple[Unit, str], outcome: Applied, *, undo: bool) -> None:
        """A command has run; what is unknown of it may be there or not."""
        self.ran[effect] = outcome
        there = outcome == "applied" or (outcome == "unknown" and self._random.random() < UNKNOWN_SHARE)
        if there:
            (self.changes.discard if undo else self.changes.add)(change)

    def die(self, version: Version) -> None:
        """All instances die by themselves, and restarts do not help."""
        if self.running.get(version):
            self.flow(version.unit)
            self.running[version] = 0
            self.died.add(version)
            self.mutations += 1

    def mend(self) -> None:
        """Whatever can live lives again."""
        for version in [version for version in self.died if self.make(version).flaw != "dies"]:
            self.running[version] = self.scenario.intents[self.make(version).version].instances
            self.died.discard(version)
            self.mutations += 1

    # --- traffic -----------------------------------------------------------------------------------------------------

    def stale(self, thing: object, effect: EffectId) -> bool:
        """True when the same release has given a later order to the same thing already."""
        return effect.sequence < self._newest.get((thing, effect.release), 0)

    def applied(self, platform: str) -> tuple[EffectId, ...]:
        """The newest effect of each release that moved traffic on a platform."""
        newest = [
            (release, sequence)
            for (thing, release), sequence in self._newest.items()
            if isinstance(thing, Unit) and self.scenario.platform(thing) == platform
        ]
        return tuple(EffectId(release, sequence, 0) for release, sequence in newest)

    def route(self, effect: EffectId, routing: Routing) -> None:
        """From now on, requests go this way."""
        self.flow(routing.unit)
        before = self.routing.get(routing.unit)
        self.routing[routing.unit] = routing
        gone = set(shares(before) if before is not None else ()) - set(shares(routing))
        for version in gone:
            self.left_at[version] = self._loop.time()
        self.quiet -= set(routing.versions()) | gone
        fresh = routing.canary if routing.exposed else routing.stable
        known = before.versions() if before is not None and before.exposed else ()
        if fresh is not None and fresh not in known and self.make(fresh).flaw == "dies":
            self.after(self.make(fresh).dies_after_s, lambda: self.die(fresh))

    def flow(self, unit: Unit) -> None:
        """Let the requests arrive that have come since the last look."""
        now = self._loop.time()
        elapsed_s = now - self._flowed_at.get(unit, now)
        self._flowed_at[unit] = now
        routing = self.routing.get(unit)
        if routing is None or elapsed_s <= 0:
            return
        burst = BURST_RATIO if self._random.random() < BURST_SHARE else 0.0
        expected, parts = elapsed_s * self.scenario.requests_s, shares(routing)
        trouble = burst + self._incident(now) + self._harm(parts)
        for version, share in parts.items():
            self._arrive(version, expected * share, trouble)

    def _incident(self, now: float) -> float:
        begins, ends, ratio = self.scenario.incident
        return ratio if begins <= now < ends else 0.0

    def _harm(self, parts: dict[Version, float]) -> float:
        """What a greedy version does to everybody: the more, the more traffic it has."""
        return sum(self.make(version).greed * share for version, share in parts.items())

    def _arrive(self, version: Version, expected: float, trouble: float) -> None:
        make, tally = self.make(version), self._counters.setdefault(version, Tally())
        arrived = self._poisson(expected)
        failing = 1.0 if not self.running.get(version) else min(1.0, make.error_ratio + trouble)
        failed = min(arrived, self._poisson(arrived * failing)) if failing < 1 else arrived
        tally.requests += arrived
        tally.errors += failed
        tally.slow += min(arrived, self._poisson(arrived * make.slow_share))

    def _poisson(self, mean: float) -> int:
        """Exact for small means, the normal approximation for large ones."""
        if mean > 30:  # noqa: PLR2004 - where the approximation is good enough
            return max(0, round(self._random.gauss(mean, math.sqrt(mean))))
        limit, count, product = math.exp(-mean), 0, self._random.random()
        while product > limit:
            count += 1
            product *= self._random.random()
        return count

    def read(self, version: Version) -> Arm:
        """The counters of a version now."""
        self.flow(version.unit)
        tally = self._counters.get(version, Tally())
        quick = tally.requests - tally.slow
        histogram = Histogram(BUCKETS_MS, (quick * 9 // 10, quick, tally.requests))
        instances = {"1": Counts(tally.requests, tally.errors)}
        return Arm(tally.requests, tally.errors, histogram, instances)

    def reset(self, version: Version) -> None:
        """The counters begin at zero again: whoever counted was restarted."""
        self.flow(version.unit)
        self._counters[version] = Tally()


def shares(routing: Routing) -> dict[Version, float]:
    """The part of the requests that each version gets; a version without any is not in it."""
    parts: dict[Version, float] = {}
    if routing.canary is not None:
        matched = 0.02 if routing.matches else 0.0
        parts[routing.canary] = min(1.0, routing.weight / 100 + matched)
    if routing.fresh is not None:
        parts[routing.fresh] = min(routing.fresh_weight / 100, 1.0 - sum(parts.values()))
    if routing.stable is not None:
        parts[routing.stable] = parts.get(routing.stable, 0.0) + 1.0 - sum(parts.values())
    return {version: share for version, share in parts.items() if share > 0}
