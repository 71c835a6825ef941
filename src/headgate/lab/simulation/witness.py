"""The witness: sees every event and every order, and holds them against the invariants."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from headgate.core.machine.effects import Effect, PrepareVersion, SetRouting, StopVersion
from headgate.core.machine.events import (
    AnyEvent,
    EffectId,
    Judged,
    ReleaseRequested,
    ReleaseTakenOver,
    VersionLost,
    WayBackOpened,
)
from headgate.core.machine.names import Illegal
from headgate.core.model import Routing, Sample, Unit, Version
from headgate.core.model.summary import Summary
from headgate.lab.simulation import invariants, proofs
from headgate.lab.simulation.invariants import Snapshot
from headgate.lab.simulation.loop import LIFE, Life
from headgate.lab.simulation.town import Town
from headgate.lab.simulation.trace import Trace, begin
from headgate.ledger import Entry
from headgate.ledger.chain import GENESIS, Record
from headgate.ledger.spool import Unwritten


class Records(Protocol):
    """What the witness reads of a ledger."""

    def newest(self) -> Record:
        """The entry that was written last, undecoded."""
        ...

    def summaries(self, *, limit: int) -> list[Summary]:
        """See Ledger."""
        ...


class Violation(Exception):  # noqa: N818 - it is a finding of the simulation
    """An invariant does not hold. `number` is its number on the design page; 0: it does not converge."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"invariant {number}: {what}")
        self.number = number


class Witness:
    """`violations` holds what was found, in order; `holds` counts why releases were held.

    `ahead` are the orders that were given before the ledger had them, `unsafe` the releases that are to go back and
    have not, with how long a way has been open since (seconds). `seen` counts what the judge said of stable, of fresh
    baselines and at deadlines, and what came of it; `holder` says whose the lease is now, `spooled` what waits beside
    the ledger, `on_violation` is called as soon as something is wrong.
    """

    def __init__(self, town: Town) -> None:
        self.violations: list[Violation] = []
        self.traces: dict[str, Trace] = {}
        self.holds: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.orders = 0
        self.ahead: dict[EffectId, Effect] = {}
        self.unsafe: dict[str, float] = {}
        self.holder: Callable[[], Life | None] = lambda: None
        self.ledger: Records | None = None
        self.spooled: Callable[[], Sequence[Unwritten]] = tuple
        self.on_violation: Callable[[], None] = lambda: None
        self._deciders: dict[str, Life | None] = {}
        self._town = town
        self._previous = GENESIS
        self._courses: dict[str, proofs.Course] = {}

    # --- platforms ---------------------------------------------------------------------------------------------------

    def is_of(self, platform: str, unit: Unit) -> None:
        """Somebody asks a platform about a unit, or has it do something with it."""
        runs = self._town.scenario.platform(unit)
        self._say(23, "" if platform == runs else f"{unit} is of `{runs}`, and `{platform}` was asked for it")

    # --- events ------------------------------------------------------------------------------------------------------

    def appended(self, entry: Entry, summary: Summary, sample: Sample | None) -> None:
        """An event is in the ledger."""
        assert self.ledger is not None
        event = entry.event
        if isinstance(event, ReleaseRequested):
            self.traces[entry.release] = begin(event)
            self.seen["two platforms"] += len({leg.platform for leg in event.plan.legs}) > 1
        trace = self.traces[entry.release]
        try:
            trace.take(event)
        except Illegal as illegal:
            self._say(5, f"{type(event).__name__} was written and is illegal: {illegal}")
            return
        if isinstance(event, WayBackOpened):
            self._opened(trace)
        self.seen["taken over"] += isinstance(event, ReleaseTakenOver)
        self.seen["barred"] += bool(trace.barred) and trace.state.outcome != trace.before.outcome
        if trace.state.hold is not None and trace.before.hold is None:
            self.holds[trace.state.hold.kind] += 1
        record = self.ledger.newest()
        self._say(2, invariants.soon_back(trace))
        self._say(4, invariants.one_at_a_time(self.traces.values()))
        self._say(5, invariants.replays(trace, record, self._previous, event, summary))
        self._say(8, invariants.silence_promotes_nothing(trace, event))
        self._say(20, invariants.no_rise_in_trouble(trace, event))
        self._say(20, invariants.relief_is_bounded(trace))
        self._prove(trace, event)
        self._note(trace, event, sample)
        if isinstance(event, Judged) and sample is not None:
            self._say(5, invariants.samples_follow(trace, event, sample))
        self._previous = record.hash

    def _opened(self, trace: Trace) -> None:
        """A person's word to a release is one to all whose traffic it has taken over."""
        trace.barred.clear()
        for taken in {leg.takes_over for leg in trace.plan.legs} & self.traces.keys():
            self._opened(self.traces[taken])

    def _prove(self, trace: Trace, event: AnyEvent) -> None:
        course = self._courses.setdefault(trace.state.release, proofs.Course())
        self._say(3, proofs.bakes_its_time(course, trace, event))
        self._say(8, proofs.keeps_its_deadline(course, trace, event))
        self._say(8, proofs.lost_stable_holds(trace, event))
        course.take(trace, event)
        self._say(13, proofs.is_seen_to_work(course, trace))
        self._say(22, proofs.is_undone_or_barred(course, trace))

    def _note(self, trace: Trace, event: AnyEvent, sample: Sample | None) -> None:
        """Count what the judge had a special word for, and what came of it."""
        if isinstance(event, VersionLost):
            self.seen["fresh lost"] += event.version.fresh
        if isinstance(event, Judged):
            kind = event.verdict.kind
            told = {
                "external": kind == "hold_external",
                "shared": event.verdict.shared,
                "deadline": event.deadline,
                "fresh": sample is not None and sample.fresh is not None,
            }
            told["found at the deadline"] = event.deadline and kind == "fail"
            self.seen.update(name for name, true in told.items() if true)
        if trace.state.legs and trace.before.legs and trace.before.leg == trace.state.leg:
            relief = trace.state.here().relief
            self.seen.update({relief: int(bool(relief) and relief != trace.before.here().relief)})

    def decided(self, entry: Unwritten) -> None:
        """A controller has decided something, and wants it written."""
        if entry.summary.phase == "rolling back":
            self.unsafe.setdefault(entry.release, 0.0)
            self._deciders[entry.release] = LIFE.get(None)

    def tick(self, seconds: float, *, open_now: bool) -> None:
        """Time has passed; `open_now`: a controller was there, and traffic could be moved."""
        for release, open_s in list(self.unsafe.items()):
            trace = self.traces.get(release)
            legs = trace.plan.legs if trace is not None and trace.state.legs else ()
            leg = next((one for one in legs if not invariants.is_back(self._town, one)), None)
            if trace is None or leg is None or self._lost(release, trace):
                del self.unsafe[release]
                continue
            self.unsafe[release] = open_s + (seconds if open_now else 0.0)
            self._say(11, invariants.back_in_time(leg, self.unsafe[release]))

    def _lost(self, release: str, trace: Trace) -> bool:
        """Whether whoever decided it is gone, and told nobody: the next one decides anew."""
        holder = self.holder()
        known = trace.state.stage != "forward" or any(one.release == release for one in self.spooled())
        return not known and holder is not None and holder is not self._deciders.get(release)

    def snapshot(self) -> Snapshot:
        """What users reach now."""
        town = self._town
        return Snapshot(self.orders, town.mutations, dict(town.routing), dict(town.running))

    def came_back(self, noted: Snapshot) -> None:
        """A controller starts where there was none since `noted`."""
        self._say(9, invariants.death_changes_nothing(noted, self.snapshot()))

    def found(self, number: int, what: str) -> None:
        """Somebody else saw that something is wrong; an empty string: it is not."""
        self._say(number, what)

    # --- orders ------------------------------------------------------------------------------------------------------

    def routes(self, effect: EffectId, routing: Routing) -> None:
        """An order to the proxy is being given."""
        trace = self._acts(effect, SetRouting(routing))
        self._say(1, invariants.weights_and_health(self._town, routing))
        if trace is not None:
            self._say(2, invariants.never_up_again(trace, routing, self._town.routing.get(routing.unit)))
            self._say(3, invariants.promotes_for_a_reason(trace, effect, routing))
            self._say(7, invariants.goes_back_legally(trace, routing))
        if (
            trace is not None and effect in trace.issued
        ):  # what is ahead of the ledger may know of a lifted barrier
            now = self._town.routing.get(routing.unit)
            traces = list(self.traces.values())
            self._say(21, invariants.never_across_a_barrier(traces, routing, now))

    def prepares(self, effect: EffectId, version: Version, instances: int) -> None:
        """An order to have instances is being given."""
        trace = self._acts(effect, PrepareVersion(version, instances))
        if instances < 1:
            self._say(1, invariants.no_stop_under_traffic(self._town, trace, version))

    def stops(self, effect: EffectId, version: Version) -> None:
        """An order to stop a version is being given."""
        known = self.traces.get(effect.release)
        drain_s = known.plan.legs[known.leg_of(version.unit)].change.drain_s if known is not None else 0.0
        trace = self._acts(effect, StopVersion(version, drain_s))
        self._say(1, invariants.no_stop_under_traffic(self._town, trace, version))
        self._say(9, invariants.drains_first(self._town, version, drain_s, asyncio.get_running_loop().time()))
        stable = self.stable(version.unit)
        self._say(6, invariants.keeps_the_way_back(self.traces.values(), stable, version))

    def _acts(self, effect_id: EffectId, effect: Effect) -> Trace | None:
        self.orders += 1
        trace = self.traces.get(effect_id.release)
        if trace is not None and effect_id not in trace.issued and invariants.may_be_ahead(trace, effect):
            self.ahead[effect_id] = effect
            self.seen["ahead of the ledger"] += 1
            if LIFE.get(None) is not self.holder():
                self._say(10, f"a controller without the lease carries out {effect_id}")
            return trace
        self._say(
            10, invariants.only_the_holder_acts(trace, effect_id, effect, LIFE.get(None), self.holder())
        )
        return trace

    def stable(self, unit: Unit) -> Version | None:
        """What the ledger says a unit runs."""
        assert self.ledger is not None
        return invariants.stable_of(self.ledger.summaries(limit=1_000_000), unit)

    def _say(self, number: int, what: str) -> None:
        if what:
            self.violations.append(Violation(number, what))
            self.on_violation()
