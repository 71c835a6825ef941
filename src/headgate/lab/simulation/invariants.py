"""The invariants of every release, as the design numbers them, and one of the judge's (20): a function each.

It returns what is wrong, or nothing.

Those that are asked when an order is given look at the town as it is before the order takes effect.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from headgate.core.machine.effects import Effect, Observe, SetRouting
from headgate.core.machine.events import (
    AnyEvent,
    EffectId,
    Judged,
    PromotionForced,
    ReleaseResumed,
    StepApproved,
)
from headgate.core.machine.one_way import objection
from headgate.core.machine.plan import Leg
from headgate.core.machine.safety import is_safe
from headgate.core.machine.state import UNEXPOSED
from headgate.core.machine.steps import Learn
from headgate.core.machine.undoing import traffic_is_back
from headgate.core.model import Routing, Sample, Unit, Version
from headgate.core.model.sample import since, together
from headgate.core.model.summary import Summary
from headgate.core.story.view import summarise
from headgate.lab.simulation.loop import Life
from headgate.lab.simulation.town import Town, shares
from headgate.lab.simulation.trace import UNREAD, Trace
from headgate.ledger.chain import Record, link
from headgate.ledger.codec import CODEC
from headgate.ledger.projections import NONE_RETIRED, fleet


class Snapshot(NamedTuple):
    """What users reach. `orders` were given so far, `mutations` happened to the town."""

    orders: int
    mutations: int
    routing: dict[Unit, Routing]
    running: dict[Version, int]


EVENTS_UNTIL_BACK_MAX = 6
"""How many events, while nothing is held, may pass between a failing verdict and all traffic being back."""

RELIEFS_MAX = 2
"""Once to see whether stable recovers, and once more for a person to look at."""

PERSONS = (ReleaseResumed, StepApproved, PromotionForced)
"""A person's word that lets a release go on."""

OPEN_MAX_S = 30.0
"""How long a way back may be open, in all, without being gone: each try may meet a fault of its own."""

WHOLE = 1.0
ROUNDING = 1e-9


def weights_and_health(town: Town, routing: Routing) -> str:
    """1. Weights sum to 100, and only a version that is prepared and healthy receives traffic.

    A fresh baseline has no more of it than the canary.
    """
    parts = shares(routing)
    if parts and abs(sum(parts.values()) - WHOLE) > ROUNDING:
        return f"the shares of {routing.unit} sum to {sum(parts.values())}"
    if routing.fresh is not None and parts.get(routing.fresh, 0.0) > routing.weight / 100 + ROUNDING:
        return f"the fresh baseline {routing.fresh} is to receive more than the canary"
    idle = [version for version in parts if not town.running.get(version) and version not in town.died]
    return f"{idle[0]} is to receive traffic and does not run" if idle else ""


def no_stop_under_traffic(town: Town, trace: Trace | None, version: Version) -> str:
    """1, from the other side: a version with traffic is not stopped.

    A first release has nothing to go back to: should the proxy never have confirmed it, nor that it is gone, it is
    stopped all the same.
    """
    routing = town.routing.get(version.unit)
    if routing is None or version not in shares(routing):
        return ""
    if trace is not None:
        index = trace.leg_of(version.unit)
        if trace.plan.legs[index].change.baseline is None and trace.state.legs[index].routing is None:
            return ""
    return f"{version} is to be stopped and receives traffic"


def never_up_again(trace: Trace, routing: Routing, now: Routing | None) -> str:
    """2. After a failing verdict, and on the way back, the canary's weight never rises."""
    index = trace.leg_of(routing.unit)
    proof = trace.proofs.get(index)
    doomed = proof is not None and proof.failed is not None
    candidate = trace.plan.legs[index].change.candidate
    after = shares(routing).get(candidate, 0.0)
    before = shares(now).get(candidate, 0.0) if now is not None else 0.0
    if (doomed or trace.state.stage == "reverting") and after > before + ROUNDING:
        return f"{candidate} has failed and goes from {before:.0%} to {after:.0%}"
    return ""


def soon_back(trace: Trace) -> str:
    """2, the other half: stable is back at 100 within a bounded number of events."""
    for index, proof in trace.proofs.items():
        if proof.failed is None or proof.failed <= EVENTS_UNTIL_BACK_MAX or trace.barred:
            continue
        back = traffic_is_back(trace.plan.legs[index], trace.state.legs[index])
        if not back and trace.state.hold is None:
            return f"{proof.failed} events after a failing verdict, traffic is not back"
    return ""


def promotes_for_a_reason(trace: Trace, effect_id: EffectId, routing: Routing) -> str:
    """3. No promotion without a passing verdict, a declared policy, or a person's recorded word with a reason."""
    candidate = trace.plan.legs[trace.leg_of(routing.unit)].change.candidate
    if routing.stable != candidate or trace.reasoned.get(effect_id, False):
        return ""
    return f"{candidate} is promoted without a reason"


def one_at_a_time(traces: Iterable[Trace]) -> str:
    """4. One release in flight per environment and service, beside a frozen one that it takes over."""
    moves = [trace for trace in traces if trace.moves()]
    left = {leg.takes_over for trace in moves for leg in trace.plan.legs}
    moving = Counter(
        leg.unit for trace in moves if trace.state.release not in left for leg in trace.plan.legs
    )
    crowded = [unit for unit, count in moving.items() if count > 1]
    return f"{moving[crowded[0]]} releases move {crowded[0]} at once" if crowded else ""


def replays(trace: Trace, record: Record, previous: str, event: AnyEvent, summary: Summary) -> str:
    """5. A replay of the ledger gives the same state, bit for bit; the hash chain has no gap."""
    if CODEC.decode(record.version, record.body) != event:
        return f"{type(event).__name__} reads back as something else"
    hashed = link(previous, record.sequence, record.release, record.number, record.version, record.body)
    if hashed != record.hash:
        return f"entry {record.sequence} does not follow the one before it"
    if summarise(trace.state, trace.plan, trace.request) != summary:
        return f"the controller sees {record.release} differently from a replay"
    return ""


def samples_follow(trace: Trace, event: Judged, sample: Sample) -> str:
    """5, for samples: each one begins where the last one in the ledger ended; nothing is lost or counted twice."""
    effect = trace.issued[event.effect]
    leg = effect.leg if isinstance(effect, Observe) else 0
    before, after = trace.readings.get(leg, UNREAD), (*sample.readings, sample.fresh_reading)
    trace.readings[leg] = (after[0] or before[0], after[1] or before[1], after[2] or before[2])
    alone = isinstance(effect, Observe) and effect.exposure == UNEXPOSED
    due = tuple(since(old, new) if old and new else None for old, new in zip(before, after, strict=True))
    stable = together(due[0], sample.fresh) if due[0] and sample.fresh else due[0]
    arms = list(zip(before, (stable, *due[1:]), (sample.stable, sample.canary, sample.fresh), strict=True))
    for old, expected, arm in arms[:1] if alone else arms:
        if old is not None and arm != expected:
            return f"the sample of {sample.unit} at {sample.at} does not begin where the last one ended"
    return ""


def keeps_the_way_back(traces: Iterable[Trace], stable: Version | None, version: Version) -> str:
    """6. Stable is not retired before the new version has baked and the rollback window has passed."""
    if version == stable:
        return f"{version} is stable and is to be stopped"
    for trace in traces:
        if version not in trace.baselines():
            continue
        if trace.moves():
            return f"{version} is what {trace.state.release} would go back to, and is to be stopped"
        if trace.state.stage == "warm" and not _cold(trace, version):
            return f"{version} is to be stopped within the rollback window of {trace.state.release}"
    return ""


def _cold(trace: Trace, version: Version) -> bool:
    """By the ledger's time: to a controller, a clock that stepped while none ran is time that has passed."""
    leg = trace.plan.legs[trace.leg_of(version.unit)]
    return trace.state.at >= (trace.state.ended_at or 0.0) + leg.change.warm_s - ROUNDING


def stable_of(summaries: Iterable[Summary], unit: Unit) -> Version | None:
    """What the ledger says a unit runs."""
    run = fleet(summaries, NONE_RETIRED).get(unit)
    return run.stable if run is not None else None


def goes_back_legally(trace: Trace, routing: Routing) -> str:
    """7. An illegal rollback is never performed."""
    index = trace.leg_of(routing.unit)
    leg = trace.plan.legs[index]
    back = routing.stable == leg.change.baseline and routing.canary is None
    reason = objection(leg, trace.state.legs[index]) if back else None
    return f"{leg.unit} goes back although {reason}" if reason else ""


def never_across_a_barrier(traces: Sequence[Trace], routing: Routing, now: Routing | None) -> str:
    """21. No way back across a barrier, by any door: what is older never gets more of the traffic again.

    `traces` are all releases, oldest first. What is older ran before the release with the barrier was asked for.
    """
    for index, trace in enumerate(traces):
        for leg in [trace.plan.legs[barred] for barred in trace.barred]:
            if leg.unit != routing.unit or leg.change.baseline is None:
                continue
            older = {leg.change.baseline} | {
                version
                for before in traces[:index]
                for one in before.plan.legs
                for version in (one.change.baseline, one.change.candidate)
                if version is not None and before.state.outcome == "promoted"
            }
            older -= {leg.change.candidate}
            rises = _share_of(routing, older) > _share_of(now, older) + ROUNDING
            if now is not None and rises:
                older_one = f"what is older than {leg.change.candidate}"
                return f"{trace.state.release} is one-way, and {older_one} gets more again"
    return ""


def _share_of(routing: Routing | None, versions: Collection[Version]) -> float:
    parts = shares(routing) if routing is not None else {}
    return sum(share for version, share in parts.items() if replace(version, fresh=False) in versions)


def silence_promotes_nothing(trace: Trace, event: AnyEvent) -> str:
    """8. `no_data`, `inconclusive` and `hold_external` never promote by themselves."""
    if not isinstance(event, Judged) or event.verdict.kind in ("pass", "fail"):
        return ""
    went_on = trace.state.stage in ("forward", "warm", "closed") and (
        (trace.before.leg, trace.before.step, trace.before.done)
        != (trace.state.leg, trace.state.step, trace.state.done)
    )
    declared = trace.plan.on_inconclusive == "promote" and event.verdict.kind in ("watch", "inconclusive")
    before = trace.before
    learning = before.stage == "forward" and isinstance(trace.plan.legs[before.leg].steps[before.step], Learn)
    allowed = declared or (learning and event.verdict.learnt)
    return (
        f"the release went on although the verdict is {event.verdict.kind}" if went_on and not allowed else ""
    )


def no_rise_in_trouble(trace: Trace, event: AnyEvent) -> str:
    """20. While stable is in trouble of its own, no weight rises, unless a person has just said so."""
    index = trace.state.leg
    if not trace.trouble.get(index) or isinstance(event, PERSONS) or trace.state.stage != "forward":
        return ""
    candidate, now = trace.plan.legs[index].change.candidate, trace.state.legs[index].routing
    before = shares(now).get(candidate, 0.0) if now is not None else 0.0
    for routing in trace.ordered:
        after = shares(routing).get(candidate, 0.0)
        if after > before + ROUNDING and not trace.state.legs[index].overridden:
            return f"stable is in trouble, and {candidate} goes from {before:.0%} to {after:.0%}"
    return ""


def relief_is_bounded(trace: Trace) -> str:
    """20, the other half: the canary's traffic is not taken away again and again while nobody decides anything."""
    if trace.reliefs <= RELIEFS_MAX:
        return ""
    return f"the traffic of a canary was taken away {trace.reliefs} times under one exposure"


def death_changes_nothing(before: Snapshot, after: Snapshot) -> str:
    """9. The death of the controller changes nothing for users: no order was given while nobody was there to decide."""
    if before.orders != after.orders:
        return f"{after.orders - before.orders} orders were given while no controller lived"
    same = (before.routing, before.running) == (after.routing, after.running)
    if before.mutations == after.mutations and not same:
        return "what users reach has changed without an order"
    return ""


def only_the_holder_acts(
    trace: Trace | None, effect_id: EffectId, effect: Effect, life: Life | None, holder: Life | None
) -> str:
    """10. Two controllers never act on one release at once; and nothing is done that the ledger does not have."""
    if life is not holder:
        return f"a controller without the lease carries out {effect_id}"
    if trace is None or trace.issued.get(effect_id) != effect:
        return f"{effect_id} ({type(effect).__name__}) is carried out and is not in the ledger"
    return ""


def may_be_ahead(trace: Trace, effect: Effect) -> bool:
    """10, its one exception: to take users to the safe side needs no ledger."""
    if not isinstance(effect, SetRouting):
        return False
    return is_safe(effect.routing, trace.plan.legs[trace.leg_of(effect.routing.unit)])


def recorded_in_the_end(traces: Mapping[str, Trace], ahead: Mapping[EffectId, Effect]) -> str:
    """12. What was done ahead of the ledger is in it in the end, or else the release says that it was undone."""
    for effect_id, effect in ahead.items():
        trace = traces[effect_id.release]
        known = trace.issued.get(effect_id) == effect
        if not known and trace.state.outcome not in ("rolled_back", "aborted"):
            return f"{effect_id} was carried out, and {effect_id.release} ended as {trace.state.outcome}"
    return ""


def is_back(town: Town, leg: Leg) -> bool:
    """Whether no user meets the candidate of a leg any more."""
    routing = town.routing.get(leg.unit)
    return routing is None or leg.change.baseline is None or leg.change.candidate not in shares(routing)


def back_in_time(leg: Leg, open_s: float) -> str:
    """11. Once it is decided to go back, users are on the safe side soon after any way there is open."""
    if open_s <= OPEN_MAX_S:
        return ""
    return f"users still meet {leg.change.candidate} although a way back was open for {open_s:g} s"


def drains_first(town: Town, version: Version, drain_s: float, now: float) -> str:
    """9, for requests: whoever is under way to a version when it is left may finish, as long as the plan says."""
    left_at = town.left_at.get(version)
    if left_at is None or version in town.quiet or now - left_at >= drain_s - ROUNDING:
        return ""
    return f"{version} is stopped {now - left_at:g} s after its last user came, with requests under way"
