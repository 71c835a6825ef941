"""The declared end of going back: its step, who is asked before it, and the release that it was meant for.

A declaration is about one change. It counts for the release that brings the change; once a version with the change
runs, a later release that declares the same reason is none of it: the key was only left in the file.
"""

from collections.abc import Iterable, Sequence

from headgate.core.legality.barrier import ever, is_older
from headgate.core.legality.forward import Forward, never_fewer
from headgate.core.machine.plan import OneWayStep
from headgate.core.machine.steps import Execute, Expose, Pause, Promote, Step
from headgate.core.model import OneWay, Unit, Version
from headgate.core.model.summary import Summary


def one_way_steps(
    steps: tuple[Step, ...], declared: OneWay | None, forward: Forward | None, *, asks: bool
) -> tuple[tuple[Step, ...], tuple[OneWayStep, ...]]:
    """The steps, and which of them cannot be undone. `asks`: a person is asked before a declared one begins.

    A release that goes forward from a frozen one cannot be undone from its first exposure on, and one whose command
    says so not from that on.
    """
    found: list[OneWayStep] = []
    if declared is not None:
        steps, at = _asked(steps, _index(steps, declared), declared, asks=asks)
        found.append(OneWayStep(at, declared.reason))
    if forward is not None:
        first = next(index for index, step in enumerate(steps) if isinstance(step, Expose))
        found.insert(0, OneWayStep(first, forward.reason, forward.oldest))
    found += [
        OneWayStep(at, step.command.one_way)
        for at, step in enumerate(steps)
        if isinstance(step, Execute) and step.command.one_way
    ]
    found.sort(key=lambda one: one.step)
    if found:
        steps = never_fewer(steps, found[0].step)
    return steps, tuple(found)


def meant_for(
    declared: OneWay,
    unit: Unit,
    baseline: Version | None,
    forward: Forward | None,
    summaries: Sequence[Summary],
) -> str:
    """The earlier release that this declaration was meant for; empty: it is for the one that is asked for now.

    `baseline` is what runs, `summaries` are all releases, newest first.
    """
    for one in ever(summaries):
        if one.unit == unit and one.reason == declared.reason:
            goes_on = forward is not None and forward.release == one.release
            has_it = baseline is not None and not is_older(baseline, one, summaries)
            if goes_on or has_it:
                return one.release
    return ""


def _index(steps: Iterable[Step], declared: OneWay) -> int:
    """The step that the declaration means. Every plan has a promotion."""
    for index, step in enumerate(steps):
        share = isinstance(step, Expose) and declared.after is not None and step.weight >= declared.after
        if share or isinstance(step, Promote):
            return index
    raise AssertionError("a plan without a promotion")


def _asked(steps: tuple[Step, ...], at: int, declared: OneWay, *, asks: bool) -> tuple[tuple[Step, ...], int]:
    """The steps with an approval before the one at this index, unless one stands there already."""
    before = next((index for index in reversed(range(at)) if isinstance(steps[index], Expose)), 0)
    if not asks or any(isinstance(step, Pause) for step in steps[before:at]):
        return steps, at
    question = Pause(f"going back ends with the next step: {declared.reason}")
    return (*steps[:at], question, *steps[at:]), at + 1
