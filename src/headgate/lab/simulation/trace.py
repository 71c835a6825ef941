"""The trace of one release: folded from the ledger alone, without asking the controller."""

from dataclasses import dataclass, field

from headgate.core.machine.asking import initial
from headgate.core.machine.effects import Effect, Observe, SetRouting
from headgate.core.machine.events import (
    AnyEvent,
    EffectFailed,
    EffectId,
    Judged,
    PromotionForced,
    ReleaseDequeued,
    ReleaseRequested,
    ReleaseResumed,
    RoutingSet,
    WayBackOpened,
)
from headgate.core.machine.names import Illegal, called
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import Pending, State
from headgate.core.machine.step import step
from headgate.core.machine.steps import Promote
from headgate.core.machine.transitions import LEAVES
from headgate.core.model import Arm, Routing, Unit, Version

Readings = tuple[Arm | None, Arm | None, Arm | None]
"""Of stable as it runs, of the canary, and of the fresh baseline."""

UNREAD: Readings = (None, None, None)


@dataclass
class Proof:
    """What speaks for promoting a leg, by the verdicts and words in the ledger. `failed` counts the events since."""

    passed: bool = False
    forced: bool = False
    policy: bool = False
    failed: int | None = None


@dataclass
class Trace:
    """`before` and `state` are the states around the last event; `issued` is every effect that was ever asked for.

    `reasoned` says of each whether, when it was asked for, there was a reason to promote; `readings` are the last ones
    known of each leg. `trouble` says of each leg whether the last verdict blamed stable itself, `ordered` is the
    routing that the last event asked for, `reliefs` how often the canary's traffic was taken away since anybody decided
    anything. `barred` are the legs that there is no going back from, each with the order that has made it so.
    """

    request: ReleaseRequested
    plan: Plan
    state: State
    before: State
    issued: dict[EffectId, Effect] = field(default_factory=dict[EffectId, Effect])
    reasoned: dict[EffectId, bool] = field(default_factory=dict[EffectId, bool])
    readings: dict[int, Readings] = field(default_factory=dict[int, Readings])
    proofs: dict[int, Proof] = field(default_factory=dict[int, Proof])
    trouble: dict[int, bool] = field(default_factory=dict[int, bool])
    ordered: tuple[Routing, ...] = ()
    reliefs: int = 0
    barred: dict[int, EffectId | None] = field(default_factory=dict[int, EffectId | None])

    def take(self, event: AnyEvent) -> None:
        """Fold one more event. Raises Illegal when it does not follow."""
        if isinstance(event, ReleaseDequeued):
            self.plan = event.plan
        after, issued = step(self.state, event, self.plan)
        if after.stage not in (self.state.stage, *LEAVES.get((self.state.stage, type(event)), ())):
            raise Illegal(f"{called(type(event))} leads from {self.state.stage} to {after.stage}")
        self.before, self.state = self.state, after
        self._prove(event)
        self.ordered = tuple(p.effect.routing for p in issued if isinstance(p.effect, SetRouting))
        self._relieve(event)
        for pending in issued:
            self.issued[pending.id] = pending.effect
            self.reasoned[pending.id] = self._has_reason()
            self._bar(pending)
        self._unbar(event)

    def _bar(self, pending: Pending) -> None:
        """Told anew from the plan: the first order of traffic in or after a one-way step bars the leg."""
        state, effect = self.state, pending.effect
        if state.stage != "forward" or not isinstance(effect, SetRouting) or state.here().relief:
            return
        leg = self.plan.legs[state.leg]
        if any(one.step <= state.step for one in leg.one_way):
            self.barred.setdefault(state.leg, pending.id)

    def _unbar(self, event: AnyEvent) -> None:
        """A person says so, or the order was not applied."""
        if isinstance(event, WayBackOpened):
            self.barred.clear()
        if isinstance(event, EffectFailed) and event.not_applied:
            self.barred = {leg: order for leg, order in self.barred.items() if order != event.effect}

    def _relieve(self, event: AnyEvent) -> None:
        """Count what takes the canary's traffic away on the way forward; another exposure begins the count again."""
        before, after = self.before, self.state
        if isinstance(event, Judged):
            self.trouble[before.leg] = event.verdict.kind == "hold_external"
        moved = before.leg != after.leg or (before.legs and before.here().exposure != after.here().exposure)
        if moved or isinstance(event, ReleaseResumed) or after.stage != "forward":
            self.reliefs = 0
        routing = after.here().routing if after.legs else None
        away = [one for one in self.ordered if one.canary is not None and not one.exposed]
        self.reliefs += bool(routing and routing.exposed and away)

    def _has_reason(self) -> bool:
        """True when something speaks for promoting the leg that moves now."""
        steps = self.plan.legs[self.state.leg].steps
        judged = any(isinstance(step, Promote) and step.judged for step in steps)
        proof = self.proofs.get(self.state.leg, Proof())
        return not judged or proof.passed or proof.forced or proof.policy

    def _prove(self, event: AnyEvent) -> None:
        before = self.before
        proof = self.proofs.setdefault(before.leg, Proof())
        for known in self.proofs.values():
            if known.failed is not None and self.state.hold is None:
                known.failed += 1
        match event:
            case RoutingSet(routing=routing) if before.stage == "forward" and routing.canary is not None:
                proof.passed = proof.policy = False
            case PromotionForced():
                proof.forced = bool(event.reason.strip())
            case Judged():
                self._judge(event, proof)
            case _:
                return

    def _judge(self, event: Judged, proof: Proof) -> None:
        effect, before = self.issued[event.effect], self.before
        assert isinstance(effect, Observe)
        if effect.exposure == before.here().exposure:
            proof.passed = event.verdict.kind == "pass"
            moved_on = (before.leg, before.step, before.done) != (
                self.state.leg,
                self.state.step,
                self.state.done,
            )
            silent = event.verdict.kind == "no_data"
            proof.policy |= moved_on and not silent and self.plan.on_inconclusive == "promote"
        promoting = isinstance(self.plan.legs[before.leg].steps[before.step], Promote)
        if event.verdict.kind == "fail" and proof.failed is None and not (proof.forced and promoting):
            proof.failed = 0

    def leg_of(self, unit: Unit) -> int:
        """The index of the leg that moves `unit`."""
        return next(index for index, leg in enumerate(self.plan.legs) if leg.unit == unit)

    def moves(self) -> bool:
        """True while the release can still change what its units run."""
        return self.state.in_flight

    def baselines(self) -> tuple[Version, ...]:
        """The versions it came from."""
        return tuple(leg.change.baseline for leg in self.plan.legs if leg.change.baseline is not None)


def begin(request: ReleaseRequested) -> Trace:
    """The trace of a release before its first event."""
    state = initial(request.release, request.plan)
    return Trace(request, request.plan, state, state)
