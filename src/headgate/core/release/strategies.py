"""Strategies are functions that build steps; the machine knows none of them by name.

Those that are judged end with a Bake under the whole traffic, so that nothing is promoted without a passing verdict.
"""

from collections.abc import Callable, Iterator

from headgate.core.machine.steps import (
    Bake,
    Execute,
    Expose,
    Learn,
    Pause,
    Prepare,
    Promote,
    Shrink,
    Smoke,
    Step,
    Until,
)
from headgate.core.model import Intent, Rollout, Stage, StrategyName

DEADLINE_FACTOR = 5.0
"""A bake without a declared deadline waits this many times its own length for a verdict."""

DEADLINE_LEAST_S = 30.0

LEARN_DEADLINE_S = 300.0
"""So long stable is watched at most before a switch: a service with a request every two seconds is known by then."""

WHOLE = 100
"""All of the traffic, in percent."""


def bake(stage_bake_s: float, deadline_s: float | None = None) -> Bake:
    """A bake with its deadline, in seconds."""
    return Bake(stage_bake_s, deadline_s or max(DEADLINE_FACTOR * stage_bake_s, DEADLINE_LEAST_S))


def canary(intent: Intent) -> Iterator[Step]:
    """The declared stages, one after another; then everything, a soak, and the promotion."""
    yield Prepare(intent.instances)
    yield from _stages(intent.rollout)
    yield Promote()


def blue_green(intent: Intent) -> Iterator[Step]:
    """Proven first, and then within reach of a preview; then one switch, a soak, and the old colour stays warm."""
    yield Prepare(intent.instances)
    yield Smoke()
    yield Expose()
    yield from _stages(intent.rollout)
    yield Promote()


def rolling(intent: Intent) -> Iterator[Step]:
    """`batch` instances at a time: start them, move their share of the traffic, watch, then let as many old ones go."""
    full, batch = intent.instances, max(1, intent.rollout.batch)
    for running in (*range(batch, full, batch), full):
        yield Prepare(running)
        yield Expose(weight=round(WHOLE * running / full))
        yield bake(intent.rollout.soak_s)
        if running < full:
            yield Shrink(full - running)
    yield Promote()


def at_once(intent: Intent) -> Iterator[Step]:
    """Everything, at once, proven by smoke tests alone: a first release, development, break-glass."""
    yield Prepare(intent.instances)
    yield Smoke()
    yield Expose(weight=WHOLE)
    yield Promote(judged=False)


def back_to(intent: Intent) -> Iterator[Step]:
    """Back to a version that has been good before, as a person ordered: at once, then proven."""
    yield Prepare(intent.instances)
    yield Expose(weight=WHOLE)
    yield Smoke()
    yield Promote(judged=False)


def adjusted(intent: Intent) -> Iterator[Step]:
    """The version that runs, in another size or at another place: nobody meets anything new, so nothing is judged."""
    yield Prepare(intent.instances)
    yield Promote(judged=False)


def with_learning(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps, with stable watched before a switch of all its traffic that no share of it went before.

    What is compared in the same seconds elsewhere can only be compared with what was known before here. It is watched
    before anything reaches the candidate, and after what may fail without it.
    """
    first = next((step for step in steps if isinstance(step, Expose) and step.weight), None)
    if first is None or first.weight != WHOLE:
        return steps
    at = next(index for index, step in enumerate(steps) if isinstance(step, Expose))
    return (*steps[:at], Learn(LEARN_DEADLINE_S), *steps[at:])


def with_commands(steps: tuple[Step, ...], intent: Intent) -> tuple[Step, ...]:
    """The steps, with the project's own commands before the first and after the last of them."""
    before, after = (tuple(Execute(command) for command in some) for some in (intent.before, intent.after))
    return (*before, *steps, *after)


STRATEGIES: dict[StrategyName, Callable[[Intent], Iterator[Step]]] = {
    "canary": canary,
    "blue-green": blue_green,
    "rolling": rolling,
    "all-at-once": at_once,
}


def _stages(rollout: Rollout) -> Iterator[Step]:
    """The declared stages, and the whole traffic, should the last of them not have come to it."""
    for stage in rollout.stages:
        yield from _stage(stage)
    last = next((stage for stage in reversed(rollout.stages) if _exposes(stage)), None)
    if last is None or last.weight != WHOLE:
        yield Expose(weight=WHOLE)
        yield bake(rollout.soak_s)


def _exposes(stage: Stage) -> bool:
    return stage.weight is not None or bool(stage.matches or stage.mirror)


def _stage(stage: Stage) -> Iterator[Step]:
    """One line of a rollout: wait for a time, expose, smoke-test, bake, ask a person."""
    if stage.until is not None:
        yield Until(stage.until)
    if _exposes(stage):
        yield Expose(stage.weight or 0, stage.matches, stage.mirror)
    if stage.smoke is not None:
        yield Smoke(stage.smoke)
    if stage.bake_s or stage.weight is not None or stage.mirror:
        yield bake(stage.bake_s, stage.deadline_s)
    if stage.pause is not None:
        yield Pause(stage.pause)
