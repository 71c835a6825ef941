"""Histograms of a Prometheus as cumulative counts over bounds in milliseconds."""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise

from headgate.core.model import Histogram
from headgate.plugins.vendors.prometheus.answer import NativeHistogram, number
from headgate.ports.errors import Temporary

# Native histograms grow buckets as they need them; counted over fixed bounds they can be told apart over time. At the
# usual schemas these are bounds of their own, to a fifth (2 to the power of 1/4): nothing is then split.
# Source: https://prometheus.io/docs/specs/native_histograms/ (standard exponential schemas).
_STEPS = 4
_LOWEST, _HIGHEST = -12, 8
NATIVE_BOUNDS = tuple(2.0 ** (k / _STEPS) for k in range(_LOWEST * _STEPS, _HIGHEST * _STEPS + 1))
"""From a quarter of a thousandth to 256, in the metric's own unit."""

EVERYTHING_MS = 1e8
"""The bound given out for the infinite one: what a histogram has counted in all is in it, and need not be what the
counters of requests have at the same instant (Envoy merges its histograms every few seconds)."""

_CLOSE = 1 + 1e-9
BOUNDS_MAX = 500


def classic(buckets: Iterable[tuple[str, float]], what: str) -> dict[float, float]:
    """One instance's buckets by bound, in the metric's own unit. Raises Temporary."""
    found: dict[float, float] = {}
    for le, count in buckets:
        bound = _bound(le, what)
        if bound in found:
            raise Temporary(f"{what} has two series for le={le!r}: sum them in the query")
        found[bound] = count
    if len(found) > BOUNDS_MAX:
        raise Temporary(f"{what} has more than {BOUNDS_MAX} bounds")
    return found


def native(histogram: NativeHistogram, what: str, unit_ms: float) -> dict[float, float]:
    """The same of a native histogram: cumulative counts over `NATIVE_BOUNDS`, up to a minute and a quarter.

    An observation counts within the first bound that its whole bucket is within: never better than it was.
    """
    scale = 1.0 if unit_ms > 1 else 1024.0  # bounds near a power of two of the unit, over the same times
    bounds = [bound * scale for bound in NATIVE_BOUNDS]
    counts = [0.0] * len(bounds)
    for _, _, upper, count in histogram.buckets:
        limit, n = _bound(upper, what), number(count, what)
        index = next((i for i, bound in enumerate(bounds) if limit <= bound * _CLOSE), None)
        if index is not None:
            counts[index] += n
    total, found = 0.0, dict[float, float]()
    for bound, n in zip(bounds, counts, strict=True):
        total += n
        found[bound] = total
    found[math.inf] = number(histogram.count, what)
    return found


def summed(instances: Mapping[str, Mapping[float, float]], unit_ms: float) -> Histogram | None:
    """All instances as one, over the bounds that they share; None without any."""
    if not instances:
        return None
    first, *others = instances.values()
    shared = sorted(bound for bound in first if all(bound in other for other in others))
    if not shared:
        raise Temporary("its instances' histograms have no bound in common")
    counts = [round(sum(one[bound] for one in instances.values())) for bound in shared]
    if any(later < earlier for earlier, later in pairwise(counts)):
        raise Temporary("its histogram's buckets are not cumulative: is `le` kept in the query?")
    le = [bound * unit_ms for bound in shared if math.isfinite(bound)]
    if len(le) < len(shared):
        le.append(max(EVERYTHING_MS, 10 * le[-1] if le else 0.0))
    return Histogram(tuple(le), tuple(counts))


def _bound(text: str, what: str) -> float:
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if math.isnan(bound):
        raise Temporary(f"a bound of {what} is {text[:40]!r}, which is no number")
    return bound


# Counters that only rise, from counters that are reset and series that come and go.
#
# What an instance had counted stays counted when its process starts again (its counters fall) or is gone (its series
# ends): Prometheus' own rule for resets, series by series, before anything is summed.

INSTANCES_MAX = 2000
"""So many instances are remembered for one question; a version has far fewer."""


class Tally:
    """One question's counters, by instance and by part (a histogram's bound, or one part alone)."""

    def __init__(self) -> None:
        self._last: dict[str, dict[float, float]] = {}
        self._before: dict[str, dict[float, float]] = {}

    def add(self, now: Mapping[str, Mapping[float, float]]) -> dict[str, dict[float, float]]:
        """Take in a reading; gives what every instance has counted, those included that are gone. Raises Temporary."""
        if len(self._last.keys() | now.keys()) > INSTANCES_MAX:
            raise Temporary(
                f"more than {INSTANCES_MAX} instances were counted: is `instance` the right label?"
            )
        for instance, parts in now.items():
            last = self._last.get(instance, {})
            if any(value < last.get(part, 0.0) for part, value in parts.items()):
                before = self._before.setdefault(instance, {})
                for part, value in last.items():
                    before[part] = before.get(part, 0.0) + value
            self._last[instance] = dict(parts)
        return {
            instance: {
                part: value + self._before.get(instance, {}).get(part, 0.0) for part, value in parts.items()
            }
            for instance, parts in self._last.items()
        }
