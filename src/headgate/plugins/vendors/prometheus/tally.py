"""Counters that only rise, from counters that are reset and series that come and go.

What an instance had counted stays counted when its process starts again (its counters fall) or is gone (its series
ends): Prometheus' own rule for resets, series by series, before anything is summed.
"""

from collections.abc import Mapping

from headgate.ports.errors import Temporary

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
