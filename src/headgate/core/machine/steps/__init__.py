"""A step is data, and its kind says how the machine walks through it: a new kind is one file and its name here.

Strategies are functions that build tuples of steps.
"""

from typing import Any

from headgate.core.machine.steps.bake import BAKE, Bake
from headgate.core.machine.steps.execute import EXECUTE, Execute
from headgate.core.machine.steps.expose import EXPOSE, Expose
from headgate.core.machine.steps.kind import Kind
from headgate.core.machine.steps.learn import LEARN, Learn
from headgate.core.machine.steps.pause import PAUSE, Pause
from headgate.core.machine.steps.prepare import PREPARE, Prepare
from headgate.core.machine.steps.promote import PROMOTE, Promote
from headgate.core.machine.steps.shrink import SHRINK, Shrink
from headgate.core.machine.steps.smoke import SMOKE, Smoke
from headgate.core.machine.steps.until import UNTIL, Until

__all__ = [
    "KINDS",
    "Bake",
    "Execute",
    "Expose",
    "Kind",
    "Learn",
    "Pause",
    "Prepare",
    "Promote",
    "Shrink",
    "Smoke",
    "Step",
    "Until",
    "kind_of",
    "step_name",
]

Step = Prepare | Expose | Learn | Bake | Smoke | Pause | Shrink | Promote | Until | Execute
"""Whatever a leg may consist of."""

KINDS: dict[type, Kind[Any]] = {
    kind.struct: kind
    for kind in (PREPARE, EXPOSE, LEARN, BAKE, SMOKE, PAUSE, SHRINK, PROMOTE, UNTIL, EXECUTE)
}
"""Every kind of step, by its struct."""


def kind_of(step: Step) -> Kind[Any]:
    """What is known of a step's kind."""
    return KINDS[type(step)]


def step_name(step: Step) -> str:
    """A step as people read it: `canary 25%`, `bake 30 s`, `wait for approval`."""
    return kind_of(step).name(step)
