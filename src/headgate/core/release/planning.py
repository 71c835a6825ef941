"""Planning: from what is asked, and what runs now, to a plan."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from headgate.core.judge.traffic import Workload
from headgate.core.legality.declared import one_way_steps
from headgate.core.legality.forward import Forward, from_there
from headgate.core.machine.one_way import beyond_return
from headgate.core.machine.plan import ConcurrencyPolicy, Leg, OnSilent, OnUnproven, Plan
from headgate.core.machine.steps import Bake, Expose, Promote, Step
from headgate.core.model import Audience, Intent, Listener, ServiceChange, Unit, Version
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.routing import beside
from headgate.core.release.deadlines import with_deadlines
from headgate.core.release.strategies import (
    STRATEGIES,
    WHOLE,
    adjusted,
    at_once,
    back_to,
    with_commands,
    with_learning,
)


class Place(msgspec.Struct, frozen=True):
    """What surrounds the version that a unit runs: where it is reached, and how many of it there are. None: unknown."""

    listener: Listener | None = None
    instances: int | None = None


class Policies(msgspec.Struct, frozen=True):
    """What an environment declares for every release in it."""

    production: bool = True
    gates: tuple[str, ...] = ()
    on_inconclusive: OnUnproven = "hold"
    on_no_data: OnSilent = "hold"
    concurrency: ConcurrencyPolicy = "refuse"
    audience: Audience = Audience()


def policies_of(drawn: Plan) -> Policies:
    """The policies that a plan was drawn under."""
    return Policies(
        production=drawn.production,
        gates=drawn.gates,
        on_inconclusive=drawn.on_inconclusive,
        on_no_data=drawn.on_no_data,
        concurrency=drawn.concurrency,
        audience=drawn.audience,
    )


Strategy = Callable[[Intent], Iterator[Step]]


NOWHERE_FROZEN: Mapping[Unit, Forward] = {}
NOTHING_MEASURED: Mapping[Unit, Workload] = {}


def plan(
    intents: tuple[Intent, ...],
    running: Mapping[Unit, Version],
    policies: Policies,
    forward: Mapping[Unit, Forward] = NOWHERE_FROZEN,
    workloads: Mapping[Unit, Workload] = NOTHING_MEASURED,
) -> Plan:
    """The plan that moves each unit from what runs (`running`; absent: nothing yet) to what is asked, in this order.

    A first release has nothing to be compared with or to go back to: it is exposed at once. What runs this very version
    is only adjusted, in size or place. `forward` says which units go forward from a frozen release, `workloads` what
    was measured of the units' traffic: deadlines that nobody has declared follow from them.
    """

    def strategy(intent: Intent) -> Strategy:
        if running.get(intent.unit) == intent.candidate:
            return adjusted
        return STRATEGIES[intent.rollout.strategy] if intent.unit in running else at_once

    return _plan(intents, running, policies, strategy, forward, workloads)


def plan_back(intents: tuple[Intent, ...], running: Mapping[Unit, Version], policies: Policies) -> Plan:
    """The plan of a rollback that a person orders: to versions that have succeeded before, at once."""
    back = tuple(replace(intent, one_way=None) for intent in intents)
    return _plan(back, running, policies, lambda _: back_to)


def leaving(drawn: Plan, before: Mapping[Unit, Place]) -> Plan:
    """The plan with what each unit is before it: where users stay until the promotion, and the size to go back to."""
    legs = tuple(_leaving(leg, before.get(leg.unit, Place())) for leg in drawn.legs)
    return replace(drawn, legs=legs)


def _leaving(leg: Leg, before: Place) -> Leg:
    change = replace(leg.change, baseline_listener=before.listener, baseline_instances=before.instances)
    return replace(leg, change=change)


def _plan(
    intents: tuple[Intent, ...],
    running: Mapping[Unit, Version],
    policies: Policies,
    strategy: Callable[[Intent], Strategy],
    forward: Mapping[Unit, Forward] = NOWHERE_FROZEN,
    workloads: Mapping[Unit, Workload] = NOTHING_MEASURED,
) -> Plan:
    def leg(intent: Intent) -> Leg:
        chosen = strategy(intent)
        steps = with_deadlines(intent, tuple(chosen(intent)), workloads.get(intent.unit))
        steps = with_commands(steps, intent) if chosen not in (adjusted, back_to) else steps
        return _leg(intent, running.get(intent.unit), steps, forward.get(intent.unit), policies)

    return Plan(
        legs=tuple(leg(intent) for intent in intents),
        gates=policies.gates,
        on_inconclusive=policies.on_inconclusive,
        on_no_data=policies.on_no_data,
        concurrency=policies.concurrency,
        production=policies.production,
        audience=policies.audience,
        users_first=True,
    )


def _leg(
    intent: Intent,
    baseline: Version | None,
    steps: tuple[Step, ...],
    forward: Forward | None,
    policies: Policies,
) -> Leg:
    judged = baseline is not None and any(isinstance(step, Promote) and step.judged for step in steps)
    steps = from_there(steps, forward) if forward is not None else steps
    steps = with_learning(steps) if judged and forward is None else steps
    declared = None if intent.candidate == baseline else intent.one_way
    steps, one_way = one_way_steps(
        steps, declared, forward, asks=policies.production and baseline is not None
    )
    change = ServiceChange(
        unit=intent.unit,
        candidate=intent.candidate,
        baseline=baseline,
        listener=intent.listener,
        instances=intent.instances,
        sticky=intent.rollout.sticky,
        warm_s=intent.rollout.warm_s,
        drain_s=intent.rollout.drain_s,
        fresh=replace(baseline, fresh=True) if baseline and judged and _divided(intent, steps) else None,
        platform=intent.platform,
    )
    steps = tuple(beyond_return(steps, one_way))
    judge = _judge(intent.judge, steps)
    taken = forward.release if forward is not None else ""
    return Leg(change, steps, judge, intent.sources, intent.measured_by, one_way, taken, learn=judged)


def _ahead(steps: tuple[Step, ...]) -> Iterator[tuple[int, int]]:
    """Each exposure's index, with the greater of its own weight and the next one's; after the last, all users."""
    exposes = [(index, step.weight) for index, step in enumerate(steps) if isinstance(step, Expose)]
    for (index, weight), (_, following) in pairwise([*exposes, (len(steps), WHOLE)]):
        yield index, max(weight, following)


def _divided(intent: Intent, steps: tuple[Step, ...]) -> bool:
    """Whether a fresh baseline is asked for, and a step of the canary has a share for it."""
    asked = intent.rollout.fresh_baseline and intent.rollout.strategy == "canary"
    return asked and any(isinstance(step, Expose) and beside(step.weight) for step in steps)


def _judge(spec: JudgeSpec, steps: tuple[Step, ...]) -> JudgeSpec:
    """The criteria, with what each step risks, and what is kept for deadlines divided among the exposures with one."""
    spec = replace(spec, ahead=tuple(_ahead(steps)))
    if spec.deadline_share <= 0:
        return spec
    exposed, deadlines = -1, set[int]()
    for index, step in enumerate(steps):
        exposed = index if isinstance(step, Expose) else exposed
        deadlines |= {exposed} if isinstance(step, Bake) else set()
    return replace(spec, deadlines=max(1, len(deadlines)))
