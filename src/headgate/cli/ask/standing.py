"""How things stand, as data: what `status` shows, and what it prints as JSON."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.core.drift import Difference, Part, Pictures
from headgate.core.legality import Barrier
from headgate.core.model import Unit, Version
from headgate.core.story.alarms import Alarms
from headgate.ledger.lineage import Promoted

if TYPE_CHECKING:
    from headgate.core.story.report import Fold


@dataclass(frozen=True)
class Standing:
    """One unit: what it runs and since when, by whose release; what is warm; what is moving it and what waits.

    `label`, `since` (epoch seconds) and `author` belong to `release`, which promoted `stable`. `before` is what
    `headgate rollback` goes back to, None when there is nothing; `barrier` is what keeps it from going there. `alarms`:
    how often the judge would have failed stable against itself. `pictures`: what is declared, recorded and real of it.
    """

    unit: Unit
    stable: Version | None
    label: str
    release: str | None
    since: float
    author: str
    warm: tuple[Version, ...]
    moving: "Fold | None"
    waiting: tuple[str, ...]
    before: Promoted | None = None
    barrier: Barrier | None = None
    alarms: Alarms | None = None
    pictures: Pictures | None = None


@dataclass(frozen=True)
class Standings:
    """Everything that `status` shows. `controller` is its process, 0 when none runs; `trouble` its own.

    `drift` is all that is not as it should be, of units and of the `parts` that the home stands on.
    """

    home: str
    controller: int
    trouble: dict[str, str]
    units: tuple[Standing, ...]
    drift: tuple[Difference, ...] = ()
    parts: tuple[Part, ...] = ()
