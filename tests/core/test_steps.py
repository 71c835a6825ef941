"""Steps by kind: the table has every kind there is, and what undoes a leg is what always undid it."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from headgate.core.machine.effects import Effect, PrepareVersion, SetRouting, StopVersion, VerifyVersion
from headgate.core.machine.plan import Leg
from headgate.core.machine.steps import (
    KINDS,
    Expose,
    Pause,
    Prepare,
    Promote,
    Shrink,
    Smoke,
    Step,
    kind_of,
    step_name,
)
from headgate.core.machine.steps.expose import undone
from headgate.core.machine.undoing import due, left, settled, undos
from tests.core.ride import CANARY, NEW, OLD, ROLLING, begun, leg

ASKING: tuple[Step, ...] = (*ROLLING[:-1], Pause("look"), Promote())
FIRST: tuple[Step, ...] = (Prepare(2), Smoke(), Expose(100), Promote(judged=False))


def test_the_table_has_every_kind_that_a_plan_may_have() -> None:
    assert set(KINDS) == set(get_args(Step))


def test_every_kind_says_where_a_release_is_and_what_it_is_called() -> None:
    for step in (*ASKING, *FIRST):
        assert kind_of(step).phase
        assert step_name(step)


def _as_it_was(of: Leg, reached: int, answered: set[str]) -> list[Effect]:
    """What a leg was undone by while it was told by five facts: traffic, size, proof, and the two that run."""
    change, steps = of.change, of.steps[: reached + 1]
    moved = any(isinstance(step, Expose | Promote) for step in steps)
    back = not moved or "traffic" in answered
    shrunk = change.baseline is not None and any(isinstance(step, Shrink) for step in steps)
    full = not shrunk or "size" in answered
    effects: list[Effect] = []
    if not back:
        effects.append(SetRouting(undone(change)))
    if change.baseline and not full:
        effects.append(PrepareVersion(change.baseline, change.size_before))
    if back and full and moved and change.baseline and "proof" not in answered:
        effects.append(VerifyVersion(change.baseline))
    if back and any(isinstance(step, Prepare) for step in steps) and "stop" not in answered:
        effects.append(StopVersion(change.candidate, change.drain_s))
    return effects


@pytest.mark.parametrize(
    "of",
    [leg(), leg(ASKING), leg(FIRST, baseline=None), leg(FIRST)],
    ids=["canary", "rolling", "first", "at once"],
)
def test_going_back_is_what_it_was_before_there_was_a_table(of: Leg) -> None:
    kinds = ("traffic", "size", "proof", "stop")
    for reached, some in itertools.product(range(-1, len(of.steps)), range(2 ** len(kinds))):
        answered = {kind for bit, kind in enumerate(kinds) if some & 2**bit}
        here = begun(reached, of)
        here = settled(of, here, *(undo.effect for undo in undos(of, here) if undo.urgency in answered))
        assert list(due(of, here)) == _as_it_was(of, reached, answered), (reached, answered)


def test_a_step_is_undone_once_all_that_undoes_it_is_answered() -> None:
    of = leg(CANARY)
    here = begun(1, of)
    assert [undo.urgency for undo in left(of, here)] == ["traffic", "proof", "stop"]
    here = settled(of, here, SetRouting(undone(of.change)))
    assert here.progress[:3] == ("begun", "begun", "ahead")
    here = settled(of, here, VerifyVersion(OLD), StopVersion(NEW, of.change.drain_s))
    assert here.progress[:3] == ("undone", "undone", "ahead")
    assert left(of, here) == ()
