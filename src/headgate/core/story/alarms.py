"""How often the judge would have been wrong: stable against itself, over the releases of a unit.

In each release one half of stable's instances plays the canary. Neither is worse, so that evidence which reaches what a
verdict needs is a false alarm. At most 1 / needed of the releases may have one (Ville 1939), and that can be counted.
"""

from collections.abc import Iterable

import msgspec

from headgate.core.model import Unit
from headgate.core.model.summary import Summary


class Alarms(msgspec.Struct, frozen=True):
    """`false` alarms in so many `releases`, and the share of them that is `promised` at most."""

    releases: int
    false: int
    promised: float

    @property
    def rate(self) -> float:
        """The share that had one."""
        return self.false / self.releases


def alarms(summaries: Iterable[Summary], unit: Unit) -> Alarms | None:
    """Over the releases of `unit` that have ended; None where none of them compared stable with itself."""
    ended = [move for summary in summaries if summary.outcome is not None for move in summary.moves]
    tried = [move.placebo for move in ended if move.unit == unit and move.placebo is not None]
    if not tried:
        return None
    false = sum(one.evidence >= one.needed for one in tried)
    return Alarms(len(tried), false, sum(1 / one.needed for one in tried) / len(tried))
