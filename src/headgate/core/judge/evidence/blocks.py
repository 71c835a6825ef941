"""Gauges in blocks of time: of each instance the lowest reading, which no burst can raise.

The readings of one instance hang together from one moment to the next, so they are no cases that could be counted.
A block that is longer than they hang together is: what stayed up in all of it is told by the lowest reading.
"""

import math
from collections.abc import Mapping

import msgspec


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """One instance: for how long it has been seen (seconds), and its lowest reading in the present block."""

    age_s: float = 0.0
    lowest: float = math.inf


def seen(before: dict[str, Shown], readings: Mapping[str, float], interval_s: float) -> dict[str, Shown]:
    """One more interval. An instance that shows nothing any more is gone; where none does, nothing was read."""
    if not readings:
        return before
    return {name: _after(before.get(name), value, interval_s) for name, value in readings.items()}


def _after(before: Shown | None, value: float, interval_s: float) -> Shown:
    """An instance is at least as old as it has been seen for."""
    return (
        Shown(0.0, value) if before is None else Shown(before.age_s + interval_s, min(before.lowest, value))
    )


def lowest(instances: dict[str, Shown], age_s: float) -> list[float]:
    """The lowest readings of the instances that are old enough, rising."""
    return sorted(one.lowest for one in instances.values() if one.age_s >= age_s)


def emptied(instances: dict[str, Shown]) -> dict[str, Shown]:
    """A new block: the instances are as old as they were."""
    return {name: Shown(one.age_s) for name, one in instances.items()}


def middle(rising: list[float]) -> float:
    """The lower middle one: at least half of the instances show as much."""
    return rising[(len(rising) - 1) // 2]
