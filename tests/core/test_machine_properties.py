"""Whatever happens, in whatever order: hypothesis drives releases of all kinds and looks at what must always hold."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from headgate.core.machine import events
from headgate.core.machine.asking import initial
from headgate.core.machine.effects import Observe, PrepareVersion, SetRouting, StopVersion
from headgate.core.machine.events import (
    AnyEvent,
    EffectFailed,
    EffectId,
    Judged,
    PromotionForced,
    VersionStopped,
)
from headgate.core.machine.names import Illegal, Stale
from headgate.core.machine.one_way import objection
from headgate.core.machine.plan import Leg, OneWayStep, Plan
from headgate.core.machine.state import Pending
from headgate.core.machine.step import step
from headgate.core.machine.steps import Promote
from headgate.core.machine.steps.expose import aside
from headgate.core.machine.transitions import LEAVES
from headgate.core.model import Intent, Listener, Rollout, Stage, Version
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.planning import Policies, plan, plan_back
from headgate.core.story.view import summarise, waits_for_person
from tests.core.ride import BAD, GOOD, NEW, NEW_API, OLD, OLD_API, answer, request, version

JUDGE = JudgeSpec(deadline_share=0.2)
STAGES = st.builds(
    Stage,
    weight=st.sampled_from([None, 0, 5, 50, 100]),
    bake_s=st.sampled_from([0.0, 1.0, 5.0]),
    deadline_s=st.sampled_from([None, 5.0]),
    smoke=st.sampled_from([None, (), ("order",)]),
    pause=st.sampled_from([None, "look"]),
)
ROLLOUTS = st.builds(
    Rollout,
    strategy=st.sampled_from(["canary", "blue-green", "rolling", "all-at-once"]),
    stages=st.lists(STAGES, max_size=3).map(tuple),
    batch=st.integers(1, 3),
    warm_s=st.sampled_from([0.0, 10.0]),
    fresh_baseline=st.booleans(),
)
POLICIES = st.builds(
    Policies,
    gates=st.just(("ready",)),
    on_inconclusive=st.sampled_from(["hold", "roll_back", "promote"]),
    on_no_data=st.sampled_from(["hold", "roll_back"]),
)
KINDS = ["pass", "pass", "pass", "watch", "fail", "inconclusive", "no_data", "hold_external", "shared"]
VERDICTS = st.sampled_from(KINDS)
GO_ON = (events.ReleaseResumed, events.StepApproved, PromotionForced)
WORDS = st.sampled_from(["pause", "resume", "approve", "promote", "promote without a reason", "abort"])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    candidates = draw(st.sampled_from([(NEW,), (NEW, NEW_API)]))
    intents = tuple(
        Intent(
            candidate.unit,
            candidate,
            Listener(8000),
            draw(ROLLOUTS),
            judge=JUDGE,
            instances=draw(st.integers(1, 4)),
        )
        for candidate in candidates
    )
    running: dict[object, Version] = {OLD.unit: OLD, OLD_API.unit: OLD_API} if draw(st.booleans()) else {}
    drawn = draw(st.sampled_from([plan, plan, plan_back]))(intents, running, draw(POLICIES))  # type: ignore[arg-type]
    if not draw(st.booleans()):
        return drawn
    after = draw(st.integers(0, 6))
    legs = tuple(_one_way(leg, after) for leg in drawn.legs)
    return Plan(legs, drawn.gates, drawn.on_inconclusive, drawn.on_no_data)


def _one_way(leg: Leg, after: int) -> Leg:
    return replace(leg, one_way=(OneWayStep(after, "the schema is new"),))


def judged_by(leg: Leg) -> bool:
    return any(isinstance(step, Promote) and step.judged for step in leg.steps)


class Releases(RuleBasedStateMachine):
    """One release; `share` is the canary's weight at each leg by what was asked of the proxy last."""

    @initialize(drawn=plans())
    def begin(self, drawn: Plan) -> None:
        self.plan = drawn
        self.state = initial("r1", drawn)
        self.asked = request(drawn)
        self.now = 0.0
        self.log: list[AnyEvent] = []
        self.ids: set[EffectId] = set()
        self.old: list[Pending] = []
        self.failed: dict[int, bool] = {}
        self.share: dict[int, float] = {}
        self.trouble: dict[int, bool] = {}
        self.tested: list[tuple[int, int]] = []
        self.fresh: set[Version] = set()
        self.tell(self.asked)

    def tell(self, event: AnyEvent) -> None:
        before = self.state
        try:
            self.state, issued = step(before, event, self.plan)
        except Illegal:
            assert self.state is before
            return
        assert self.state.stage in (before.stage, *LEAVES.get((before.stage, type(event)), ()))
        self.log.append(event)
        self.old += [p for p in before.pending if p not in self.state.pending]
        if isinstance(event, Judged) and event.verdict.kind == "fail":
            leg = before.here()
            promoting = isinstance(self.plan.legs[before.leg].steps[before.step], Promote)
            if not (leg.overridden and promoting):
                self.failed[before.leg] = True
        if isinstance(event, Judged):
            self.trouble[before.leg] = event.verdict.kind == "hold_external"
            self.tested += [(before.leg, before.here().exposure)] if event.deadline else []
        if isinstance(event, PromotionForced):
            self.failed.pop(before.leg, None)
        if isinstance(event, (VersionStopped, EffectFailed)):
            ended = before.answered(event.effect)
            self.fresh -= {ended.version} if isinstance(ended, StopVersion) else set()
        for pending in issued:
            assert pending.id not in self.ids
            self.ids.add(pending.id)
            self.look(pending, by_person=isinstance(event, GO_ON))

    def look(self, pending: Pending, *, by_person: bool) -> None:
        """Every order to the proxy, as it is given; and what fresh baselines are started."""
        if isinstance(pending.effect, PrepareVersion) and pending.effect.version.fresh:
            self.fresh.add(pending.effect.version)
        if not isinstance(pending.effect, SetRouting):
            return
        routing = pending.effect.routing
        index = next(i for i, leg in enumerate(self.plan.legs) if leg.unit == routing.unit)
        leg, at = self.plan.legs[index], self.state.legs[index]
        share = 100 if routing.stable == leg.change.candidate else routing.weight
        assert routing.fresh_weight <= routing.weight, "more than the canary has"
        assert routing.fresh is None or at.fresh == at.instances, "it is not ready"
        confirmed = at.routing.weight if at.routing is not None else 0
        if self.trouble.get(index) and not (by_person or at.overridden):
            assert share <= confirmed or not judged_by(leg), "the weight rises while stable is in trouble"
        if self.failed.get(index) or self.state.stage == "reverting":
            assert share <= self.share.get(index, 0), "the weight rises after a failing verdict"
        if routing.stable == leg.change.candidate:
            assert at.promotable or not judged_by(leg), "promoted without a reason"
        if self.state.stage == "reverting":
            assert objection(leg, at) is None, "an illegal rollback is performed"
        self.share[index] = share

    # --- what can happen ----------------------------------------------------------------------------------------------

    @rule(
        which=st.integers(0, 5),
        verdict=VERDICTS,
        good=st.booleans(),
        late_s=st.sampled_from([0.0, 0.0, 30.0]),
    )
    @precondition(lambda self: self.state.pending)
    def something_is_answered(self, which: int, verdict: str, good: bool, late_s: float) -> None:  # noqa: FBT001
        pending = self.state.pending[which % len(self.state.pending)]
        fact = answer(pending, self.now + late_s, verdict, GOOD if good else BAD)  # type: ignore[arg-type]
        self.now = fact.at
        self.tell(fact)

    @rule(which=st.integers(0, 5))
    @precondition(lambda self: self.state.pending)
    def something_fails(self, which: int) -> None:
        pending = self.state.pending[which % len(self.state.pending)]
        if not isinstance(pending.effect, Observe):
            self.tell(EffectFailed(at=self.now, effect=pending.id, reason="it cannot be done"))

    @rule(which=st.integers(0, 50))
    @precondition(lambda self: self.old)
    def something_is_answered_late_or_twice(self, which: int) -> None:
        before = self.state
        try:
            step(before, answer(self.old[which % len(self.old)], self.now), self.plan)
        except Stale:
            return
        raise AssertionError("an answer that is not pending any more was taken")

    @rule(word=WORDS)
    def a_person_says_something(self, word: str) -> None:
        said: dict[str, AnyEvent] = {
            "pause": events.ReleasePaused(at=self.now, by="ada"),
            "resume": events.ReleaseResumed(at=self.now, by="ada"),
            "approve": events.StepApproved(at=self.now, by="ada"),
            "promote": events.PromotionForced(at=self.now, by="ada", reason="I know"),
            "promote without a reason": events.PromotionForced(at=self.now, by="ada", reason=""),
            "abort": events.ReleaseAborted(at=self.now, by="ada"),
        }
        self.tell(said[word])

    @rule(which=st.sampled_from([OLD, NEW, OLD_API, NEW_API, replace(OLD, fresh=True), version("f")]))
    def a_version_is_lost(self, which: Version) -> None:
        self.tell(events.VersionLost(at=self.now, version=which, reason="gone"))

    # --- what must always hold ----------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_asked_for_twice(self) -> None:
        effects = [pending.effect for pending in self.state.pending]
        assert all(effect not in effects[i + 1 :] for i, effect in enumerate(effects))

    @invariant()
    def it_never_stands_still_without_anybody_knowing(self) -> None:
        if self.state.stage in ("checking", "forward", "reverting", "warm"):
            assert self.state.pending or waits_for_person(self.state, self.plan), self.state

    @invariant()
    def what_is_over_is_over(self) -> None:
        if self.state.stage == "closed":
            assert not self.state.pending
            assert self.state.outcome is not None
            assert self.state.ended_at is not None
            assert not self.fresh, "a fresh baseline was never told to stop"
        if self.state.ended_at is not None:
            assert self.state.stage in ("warm", "closed")

    @invariant()
    def an_exposure_is_tested_at_one_deadline_at_most(self) -> None:
        assert len(set(self.tested)) == len(self.tested)

    @invariant()
    def the_exact_test_has_its_share_for_every_deadline(self) -> None:
        for index, leg in enumerate(self.plan.legs):
            assert sum(place[0] == index for place in self.tested) <= leg.judge.deadlines

    @invariant()
    def nobody_is_sent_to_a_canary_that_stable_suffers_from(self) -> None:
        for leg, at in zip(self.plan.legs, self.state.legs, strict=True):
            if at.relief == "away" and at.routing is not None:
                assert at.routing == aside(leg.change)
                assert not at.routing.exposed

    @invariant()
    def a_replay_gives_the_same_state(self) -> None:
        state = initial("r1", self.plan)
        for event in self.log:
            state, _ = step(state, event, self.plan)
        assert state == self.state
        assert summarise(state, self.plan, self.asked).sequence == len(self.log)


TestReleases = Releases.TestCase
