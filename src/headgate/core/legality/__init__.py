"""Legality of going back: asked by every way back.

`one_way` says when a release under way cannot be undone any more, `barrier` what of that outlives it, `forward` how the
fix of a frozen release takes its traffic over, `declared` what people say of a change in the project file, and `having`
whether a version can be started at all.
"""

from headgate.core.legality.barrier import Barrier, barriers, ever, in_the_way, is_older, missing
from headgate.core.legality.declared import meant_for, one_way_steps
from headgate.core.legality.forward import (
    Forward,
    from_there,
    frozen,
    may_take_over,
    takes_over,
    taking_over,
)
from headgate.core.machine.one_way import (
    begun,
    beyond_return,
    forecast,
    objection,
    objection_to_revert,
    opened,
    refused,
    sentence,
)

__all__ = [
    "Barrier",
    "Forward",
    "barriers",
    "begun",
    "beyond_return",
    "ever",
    "forecast",
    "from_there",
    "frozen",
    "in_the_way",
    "is_older",
    "may_take_over",
    "meant_for",
    "missing",
    "objection",
    "objection_to_revert",
    "one_way_steps",
    "opened",
    "refused",
    "sentence",
    "takes_over",
    "taking_over",
]
