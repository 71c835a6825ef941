"""Runs of the simulation: one seed from beginning to end, and many of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from headgate.controller.world import Patience, World
from headgate.lab.simulation.controllers import EPOCH_S, Controllers
from headgate.lab.simulation.invariants import recorded_in_the_end
from headgate.lab.simulation.loop import VirtualLoop, bury
from headgate.lab.simulation.people import People, unanswered
from headgate.lab.simulation.scenario import Scenario, draw
from headgate.lab.simulation.town import Town
from headgate.lab.simulation.twins import (
    Hands,
    TwinGate,
    TwinLedger,
    TwinPlatforms,
    TwinSpool,
)
from headgate.lab.simulation.weather import Weather
from headgate.lab.simulation.witness import Violation, Witness
from headgate.ledger.projections import fleet_of
from headgate.ledger.verify import verify

CONVERGES_WITHIN_S = 900.0
"""How long, in virtual time, everything may take to come to an end once the weather has cleared."""

PATIENCE = Patience(
    prepare_s=6.0,
    routing_s=2.0,
    check_s=3.0,
    stop_s=5.0,
    signal_s=0.5,
    gate_s=2.0,
    abandon_s=2.0,
    attempts=4,
    first_retry_s=0.2,
    last_retry_s=1.0,
)
"""Shorter than in real life, and no different."""

LOOK_S = 0.5

HANDOVER_CHANCE = 0.3
"""How often, in rough weather, a controller is closed in good order, or usurped by another one."""


@dataclass
class Report:
    """What came of one seed. `ended` counts `flaw outcome`, `faults` what was done to it, `seen` as in a `Witness`."""

    seed: int
    calm: bool
    violations: list[Violation] = field(default_factory=list[Violation])
    ended: "Counter[str]" = field(default_factory=Counter[str])
    holds: "Counter[str]" = field(default_factory=Counter[str])
    seen: "Counter[str]" = field(default_factory=Counter[str])
    faults: "Counter[str]" = field(default_factory=Counter[str])
    events: int = 0
    virtual_s: float = 0.0
    head: str = ""
    log: tuple[str, ...] = ()

    def story(self) -> str:
        """What to print of a violation: the seed, what is wrong, and every event."""
        wrong = "\n".join(str(violation) for violation in self.violations)
        return "\n".join((f"seed {self.seed} violates:", wrong, *self.log))


@dataclass
class Tally:
    """What came of many seeds."""

    seeds: int = 0
    events: int = 0
    virtual_s: float = 0.0
    failed: list[int] = field(default_factory=list[int])
    ended: "Counter[str]" = field(default_factory=Counter[str])
    ended_calm: "Counter[str]" = field(default_factory=Counter[str])
    holds: "Counter[str]" = field(default_factory=Counter[str])
    seen: "Counter[str]" = field(default_factory=Counter[str])
    faults: "Counter[str]" = field(default_factory=Counter[str])

    def add(self, report: Report) -> None:
        """Count one more."""
        self.seeds += 1
        self.events += report.events
        self.virtual_s += report.virtual_s
        self.ended += report.ended
        if report.calm:
            self.ended_calm += report.ended
        self.holds += report.holds
        self.seen += report.seen
        self.faults += report.faults
        if report.violations:
            self.failed.append(report.seed)


def simulate_many(seeds: Iterable[int], on_result: Callable[[Report], None] | None = None) -> Tally:
    """Simulate one seed after another."""
    tally = Tally()
    for seed in seeds:
        report = simulate(seed)
        tally.add(report)
        if on_result is not None:
            on_result(report)
    return tally


def simulate(seed: int, trace: Callable[[str], None] | None = None) -> Report:
    """Simulate one seed. `trace` is told every event as it is written."""
    return Simulation(draw(seed)).run(trace)


class Simulation:
    """Everything of one seed, put together."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.loop = VirtualLoop(scenario.seed, shuffle=0.0 if scenario.calm else 0.3)
        self.town = Town(scenario, self.loop)
        self.witness = Witness(self.town)
        self.weather = Weather(scenario, lambda life, _: self.controllers.died(life))
        self.ledger = TwinLedger(self.weather, self.witness)
        self.witness.ledger = self.ledger
        spool = TwinSpool(self.weather, self.witness)
        self.witness.spooled = spool.read
        hands = Hands(self.town, self.weather, self.witness)
        world = World(TwinPlatforms(hands), gates={"ready": TwinGate(hands)}, patience=PATIENCE)
        random = Random(f"controllers {scenario.seed}")
        self.controllers = Controllers(self.ledger, spool, world, self.witness, random)
        self.controllers.step_s = 0.0 if scenario.calm else 1.0
        self.people = People(scenario, self.controllers, self.witness)

    def run(self, trace: Callable[[str], None] | None = None) -> Report:
        """Both phases, and what came of them."""
        try:
            self._told = trace is not None
            self.loop.run_until_complete(self._play())
            report = self._report()
            self.loop.run_until_complete(bury())
        finally:
            self.loop.close()
        if trace is not None:
            for line in report.log:
                trace(line)
        return report

    # --- the two phases ----------------------------------------------------------------------------------------------

    async def _play(self) -> None:
        broken = asyncio.Event()
        self.witness.on_violation = broken.set
        play = asyncio.ensure_future(self._phases())
        watch = asyncio.ensure_future(broken.wait())
        await asyncio.wait((play, watch), return_when=asyncio.FIRST_COMPLETED)
        for task in (play, watch):
            task.cancel()
        await asyncio.gather(play, watch, return_exceptions=True)
        if not play.cancelled() and (error := play.exception()) is not None:
            raise error

    async def _phases(self) -> None:
        self.controllers.start()
        answering = asyncio.ensure_future(self.people.answer()) if self.scenario.calm else None
        watching = asyncio.ensure_future(self._watch_the_way_back())
        busy = [
            asyncio.ensure_future(work)
            for work in (self.people.deploy(), self.people.meddle(), self._interfere(), self._stand_still())
        ]
        await asyncio.sleep(self.scenario.until_s)
        await busy[0]
        for task in busy:
            task.cancel()
        self.weather.clear()
        self.town.mend()
        self.controllers.start()
        answering = answering or asyncio.ensure_future(self.people.answer())
        try:
            await self._converge()
        finally:
            answering.cancel()
            watching.cancel()

    async def _watch_the_way_back(self) -> None:
        """Whoever is to be brought back is, soon after any way is open."""
        while True:
            await asyncio.sleep(LOOK_S)
            open_now = self.controllers.acting and not (
                self.weather.shut("apply") or self.weather.shut("platform")
            )
            self.witness.tick(LOOK_S, open_now=open_now)

    async def _stand_still(self) -> None:
        """The controllers' machine is paused for a while, every now and then."""
        random = Random(f"stand still {self.scenario.seed}")
        while self.scenario.pauses_s:
            await asyncio.sleep(random.expovariate(1 / self.scenario.pauses_s))
            self.weather.counts["pause"] += 1
            self.controllers.pause(random.choice((2.0, 15.0)))

    async def _interfere(self) -> None:
        """Deaths at any moment, good ends, two controllers at once, and versions that die by themselves."""
        random = Random(f"interference {self.scenario.seed}")
        if self.scenario.calm or random.random() >= HANDOVER_CHANCE:
            return
        while True:
            await asyncio.sleep(random.uniform(2.0, 12.0))
            kind = random.choice(("kill", "close", "usurp", "version dies"))
            self.weather.counts[kind] += 1
            if kind == "kill":
                self.controllers.kill()
            elif kind == "usurp":
                self.controllers.usurp()
            elif kind == "close":
                await self.controllers.close()
                self.controllers.start()
            else:
                version = random.choice(list(self.scenario.makes))
                fresh = (one for one in self.town.running if one.fresh)
                self.town.die(next(fresh, version))

    async def _converge(self) -> None:
        until = self.loop.time() + CONVERGES_WITHIN_S
        while True:
            await asyncio.sleep(1.0)
            if not self.witness.traces:
                self.people.begin()  # nobody was there to hear of any of it, each time
            if self._at_an_end():
                self.witness.found(0, self._left_over())
                return
            if self.loop.time() > until:
                waiting = unanswered(self.witness.traces)
                self.witness.found(0, f"not at an end after {CONVERGES_WITHIN_S:g} s: {waiting}")
                return

    def _at_an_end(self) -> bool:
        """Every release is closed, no request is on its way into the ledger, and nothing differs any more."""
        closed = all(trace.state.stage == "closed" for trace in self.witness.traces.values())
        steering = [each.supervisor for each in self.controllers.living if each.lease.held()]
        busy = any(one.open_releases() or one.trouble() for one in steering)
        return bool(self.witness.traces) and closed and not busy

    def _left_over(self) -> str:
        """What should not be, now that everything is said to be over."""
        stable = {unit: run.stable for unit, run in fleet_of(self.ledger).items()}
        for unit, routing in self.town.routing.items():
            if routing.stable != stable[unit] or routing.canary is not None:
                return f"{unit} should run {stable[unit]} and is routed {routing}"
        if missing := recorded_in_the_end(self.witness.traces, self.witness.ahead):
            return missing
        warned = any(trace.state.warnings for trace in self.witness.traces.values())
        lost = [version for version in self.town.running if version != stable[version.unit]]
        if lost and not warned:
            return f"{lost[0]} still runs, and nobody needs it"
        down = [
            version
            for version in stable.values()
            if version is not None and not self.town.running.get(version)
        ]
        if down and down[0] not in self.town.died:
            return f"{down[0]} is stable and does not run"
        for each in self.controllers.living:
            if each.lease.held() and each.supervisor.health() != {"open": [], "trouble": {}}:
                return f"the controller still says {each.supervisor.health()}"
        return ""

    # --- what came of it ---------------------------------------------------------------------------------------------

    def _report(self) -> Report:
        audit = verify(self.ledger)
        if audit.broken is not None:
            self.witness.found(5, str(audit.broken))
        for problem in self.loop.problems:
            self.witness.found(0, f"asyncio: {problem}")
        report = Report(self.scenario.seed, self.scenario.calm, self.witness.violations)
        for trace in self.witness.traces.values():
            flaws = {self.scenario.makes[leg.change.candidate].flaw for leg in trace.plan.legs} - {"none"}
            report.ended[f"{'+'.join(sorted(flaws)) or 'good'} {trace.state.outcome or 'open'}"] += 1
        report.holds = self.witness.holds
        report.seen = +self.witness.seen
        report.faults = self.weather.counts + Counter(f"told {name}" for name in self.controllers.told)
        report.events = self.ledger.last_sequence()
        report.virtual_s = self.loop.time()
        report.head = audit.head
        report.log = tuple(self._log()) if report.violations or self._told else ()
        return report

    def _log(self) -> Iterable[str]:
        for entry in self.ledger.since(0, limit=100_000):
            yield f"{entry.event.at - EPOCH_S:9.3f} {entry.release}.{entry.number} {entry.event}"
