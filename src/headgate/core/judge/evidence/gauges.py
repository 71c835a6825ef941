"""Whether a series rises: the rank of each new value among the earlier ones.

While the values are exchangeable (no trend, and none hangs together with the next), the rank of a new one among n
earlier ones is uniform, and independent of the order they came in. So with k of them below it, 1 + BET (2k/n - 1) has
a mean of 1, and the product over all values is a conformal test martingale (Vovk, Nouretdinov & Gammerman 2003): the
chance that it ever reaches 100 is at most 1% (Ville 1939). Equal values count as not below.

What is remembered is bounded: of MEMORY values each two neighbours become their mean, which stands for twice the time,
and the longer ones are judged from the first on by a process of its own. The processes share the mass: 1/2, 1/4, ...
Values that hang together over minutes, as a cache that fills, do look like a trend: it is for a warning only.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

BET = 0.9
MEMORY = 48


class Trend(msgspec.Struct, frozen=True, array_like=True):
    """`values` are means of `span` values each; `open` are those of the next one.

    `wealth` is what the present process has become, of the mass `share`; `ended` what those before it came to.
    """

    values: tuple[float, ...] = ()
    open: tuple[float, ...] = ()
    span: int = 1
    wealth: float = 1.0
    share: float = 0.5
    ended: float = 0.0

    @property
    def e_value(self) -> float:
        """The evidence that it rises: 100 is "100 to 1 against no trend"."""
        return self.ended + self.share * (self.wealth + 1.0)


def rank_factor(before: Sequence[float], value: float) -> float:
    """What the rank of a new value among the earlier ones is worth."""
    if not before:
        return 1.0
    below = sum(one < value for one in before)
    return 1.0 + BET * (2.0 * below / len(before) - 1.0)


def extend(trend: Trend, value: float) -> Trend:
    """One more value."""
    pending = (*trend.open, value)
    if len(pending) < trend.span:
        return replace(trend, open=pending)
    mean = sum(pending) / len(pending)
    wealth = min(trend.wealth * rank_factor(trend.values, mean), 1e12)
    values = (*trend.values, mean)
    if len(values) < MEMORY:
        return replace(trend, values=values, open=(), wealth=wealth)
    return _halved(values, trend, trend.ended + trend.share * wealth)


def _halved(values: tuple[float, ...], trend: Trend, ended: float) -> Trend:
    merged = tuple([(one + other) / 2 for one, other in zip(values[::2], values[1::2], strict=True)])
    wealth = 1.0
    for at, value in enumerate(merged):
        wealth *= rank_factor(merged[:at], value)
    return Trend(merged, (), trend.span * 2, min(wealth, 1e12), trend.share / 2, ended)


def slope(trend: Trend) -> float:
    """The rise from one value to the next: the median over all pairs (Theil 1950, Sen 1968). 0.0 for one value."""
    values = trend.values
    slopes = sorted(
        (later - earlier) / (at - before)
        for at, later in enumerate(values)
        for before, earlier in enumerate(values[:at])
    )
    return slopes[len(slopes) // 2] / trend.span if slopes else 0.0


# Gauges in blocks of time: of each instance the lowest reading, which no burst can raise.
#
# The readings of one instance hang together from one moment to the next, so they are no cases that could be counted.
# A block that is longer than they hang together is: what stayed up in all of it is told by the lowest reading.


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
