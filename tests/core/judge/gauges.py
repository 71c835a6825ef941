"""Gauges as services have them: hosts that differ, readings that hang together, bursts."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import msgspec

from headgate.core.model.sample import Arm, Sample
from tests.core.judge.traffic import sample

INTERVAL_S = 0.5
MEMORY = "memory"


class World(msgspec.Struct, frozen=True):
    """`tau_s`: how long readings hang together; `spread`: their deviation, a part of it shared by all instances.

    `host`: how far hosts differ (of the logarithm). A burst triples an instance's readings for 5 s on average, and
    comes `bursts` times a second. `factor` is how much more the canary uses, `leak` what it gains a second.
    """

    canary: int = 2
    stable: int = 4
    tau_s: float = 5.0
    spread: float = 0.1
    host: float = 0.05
    bursts: float = 0.005
    factor: float = 1.0
    leak: float = 0.0


class _One:
    def __init__(self, rng: random.Random, world: World) -> None:
        self._rng, self._world = rng, world
        self._host = math.exp(rng.gauss(0.0, world.host))
        self._x, self._left = rng.gauss(0.0, 1.0), 0.0

    def value(self, shared: float) -> float:
        rho = math.exp(-INTERVAL_S / self._world.tau_s)
        self._x = rho * self._x + math.sqrt(1 - rho * rho) * self._rng.gauss(0.0, 1.0)
        if self._left > 0:
            self._left -= INTERVAL_S
        elif self._rng.random() < self._world.bursts * INTERVAL_S:
            self._left = self._rng.expovariate(1 / 5.0)
        noise = max(0.05, 1 + self._world.spread * 0.7 * (self._x + shared))
        return 100.0 * self._host * noise * (3.0 if self._left > 0 else 1.0)


def samples(seed: int, seconds: float, world: World) -> Iterator[Sample]:
    """Ten in a hundred of 2000 requests a second, none of which fails."""
    rng = random.Random(seed)
    canary = [_One(rng, world) for _ in range(world.canary)]
    stable = [_One(rng, world) for _ in range(world.stable)]
    rho, shared = math.exp(-INTERVAL_S / world.tau_s), rng.gauss(0.0, 1.0)
    for k in range(round(seconds / INTERVAL_S)):
        shared = rho * shared + math.sqrt(1 - rho * rho) * rng.gauss(0.0, 1.0)
        grown = world.leak * k * INTERVAL_S
        mine = {f"canary-{n}": one.value(shared) * world.factor + grown for n, one in enumerate(canary)}
        theirs = {f"stable-{n}": one.value(shared) for n, one in enumerate(stable)}
        yield sample(
            Arm(900, 0, gauges={MEMORY: theirs}),
            Arm(100, 0, gauges={MEMORY: mine}),
            at=(k + 1) * INTERVAL_S,
            interval_s=INTERVAL_S,
        )
