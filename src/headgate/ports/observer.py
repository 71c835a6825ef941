"""An observer: it is told of every entry of the ledger, and can stop nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from headgate.core.machine.events import AnyEvent
from headgate.core.machine.state import State
from headgate.core.model import Sample
from headgate.core.model.summary import Summary
from headgate.core.story.report import Fold


@dataclass(frozen=True)
class Happened:
    """An event that is in the ledger now. `folded` is the release after it, `before` its state before.

    `append_s` is how long it took to write it, as far as whoever tells of it knows.
    """

    event: AnyEvent
    before: State
    folded: Fold
    summary: Summary
    sample: Sample | None
    append_s: float | None = None


Observer = Callable[[Happened], None]
"""Quick, and never in the way: what it raises is logged, and nobody else hears of it."""
