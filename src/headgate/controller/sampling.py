"""Sampling: reads both arms, takes the difference to the reading before, and asks the judge."""

import asyncio
from dataclasses import dataclass

from headgate.controller.plain import plain
from headgate.controller.readings import Reading, read_arm
from headgate.controller.sources import Opening
from headgate.controller.world import World
from headgate.core.judge.judge import JudgeState, start
from headgate.core.judge.judgement import harmed, judge
from headgate.core.machine.plan import Leg
from headgate.core.machine.state import UNEXPOSED
from headgate.core.machine.steps import Expose
from headgate.core.machine.steps.expose import compared
from headgate.core.model import Arm, Sample, Verdict, Version
from headgate.core.model.sample import carried, since, together
from headgate.ports import PortError

Readings = tuple[Arm | None, Arm | None, Arm | None]
"""Of stable as it runs, of the canary, and of the fresh baseline."""

UNREAD: Readings = (None, None, None)


@dataclass(frozen=True)
class Observation:
    """One sample and what the judge makes of it; it counts only when the ledger has it.

    `harmed` is how many of the canary's requests in it went badly.
    """

    sample: Sample
    verdict: Verdict
    judge: JudgeState
    harmed: int


class Watcher:
    """The watch over one leg: where the last sample ended and what the judge remembers.

    Nothing moves forward before `commit`: an observation that was abandoned leaves no gap and no trace.
    """

    def __init__(self, leg: Leg, world: World) -> None:
        self._leg = leg
        self._world = world
        self._declared = [Opening(world.open_source, source, leg.platform) for source in leg.sources]
        self._judge = start(leg.judge)
        self._readings: Readings = UNREAD
        self._read_at = 0.0

    async def open(self, at: float, exposure: int) -> None:
        """Read the counters where an arm's first sample begins; does nothing once samples follow each other."""
        if self._readings == UNREAD:
            stable, canary, fresh = await self._read(exposure)
            self._readings = (stable.arm, canary.arm, fresh.arm)
            self._read_at = at
            return
        before, beside = self._readings, self._compared(exposure)
        new = before[1] is None and exposure != UNEXPOSED
        canary = await self._arm(self._leg.change.candidate) if new else Reading(before[1])
        fresh = await self._arm(beside) if before[2] is None and beside else Reading(before[2])
        self._readings = (before[0], canary.arm, fresh.arm)

    async def observe(self, at: float, weight: int, exposure: int, *, deadline: bool = False) -> Observation:
        """Sample the time since the last committed observation, up to `at`, and judge it. Never raises PortError.

        While no traffic reaches the canary on purpose it is not read, and its arm is empty. With a fresh baseline,
        stable is both parts of it together, and unknown where one of them is.
        """
        stable, canary, fresh = await self._read(exposure)
        before = self._readings
        rest, part = _between(before[0], stable.arm), _between(before[2], fresh.arm)
        whole, alone = _whole(rest, part), self._compared(exposure) is None
        sample = Sample(
            unit=self._leg.unit,
            at=at,
            interval_s=max(0.0, at - self._read_at),
            weight=weight,
            stable=rest if alone else whole,
            canary=Arm() if exposure == UNEXPOSED else _between(before[1], canary.arm),
            problems=(*stable.problems, *canary.problems, *fresh.problems),
            readings=(stable.arm if alone or part or not before[0] else None, canary.arm),
            fresh=part if whole else None,
            fresh_reading=fresh.arm if rest or not before[2] else None,
        )
        return self._judged(sample, exposure, deadline=deadline)

    def _judged(self, sample: Sample, exposure: int, *, deadline: bool) -> Observation:
        spec = self._leg.judge
        known, verdict = judge(spec, self._judge, sample, exposure, deadline=deadline)
        return Observation(sample, verdict, known, harmed(spec, sample.canary))

    def commit(self, observation: Observation) -> None:
        """The ledger has it: the next sample starts where this one ended; what was silent keeps its start."""
        self._judge = observation.judge
        (stable, canary, fresh), after = self._readings, observation.sample.readings
        beside = _newest(fresh, observation.sample.fresh_reading)
        self._readings = (_newest(stable, after[0]), _newest(canary, after[1]), beside)
        self._read_at = observation.sample.at

    def replay(self, sample: Sample, exposure: int, *, deadline: bool = False) -> Verdict:
        """Judge a sample from the ledger again, and carry on from it."""
        observation = self._judged(sample, exposure, deadline=deadline)
        self.commit(observation)
        return observation.verdict

    async def _read(self, exposure: int) -> tuple[Reading, Reading, Reading]:
        """Stable, canary and fresh baseline, side by side; stable alone while nobody is sent to the canary."""
        if exposure == UNEXPOSED:
            return await self._arm(self._leg.change.baseline), Reading(None), Reading(None)
        beside = self._compared(exposure)
        stable, canary, fresh = await asyncio.gather(
            self._arm(self._leg.change.baseline), self._arm(self._leg.change.candidate), self._arm(beside)
        )
        return stable, canary, fresh if beside else Reading(None)

    def _compared(self, exposure: int) -> Version | None:
        """The fresh baseline, while it has a share of the traffic."""
        step = self._leg.steps[exposure] if exposure != UNEXPOSED else None
        return compared(self._leg.change, step) if isinstance(step, Expose) else None

    async def _arm(self, version: Version | None) -> Reading:
        if version is None:
            return Reading(Arm())
        try:
            signals = self._world.signals(self._leg)
        except PortError as error:
            return Reading(None, (plain(str(error)),))
        patience = self._world.patience
        beside_s = min(patience.signal_s, max(patience.beside_s, self._leg.judge.interval_s))
        sources = (*signals, *self._declared)
        return await read_arm(sources, version, patience.signal_s, self._measuring(len(signals)), beside_s)

    def _measuring(self, own: int) -> int:
        """The index of the source whose traffic is judged, after so many of the platform's own."""
        names = [source.name for source in self._leg.sources]
        return own + names.index(self._leg.measured_by) if self._leg.measured_by else 0


def _between(before: Arm | None, after: Arm | None) -> Arm | None:
    return since(before, after) if before is not None and after is not None else None


def _whole(rest: Arm | None, part: Arm | None) -> Arm | None:
    return together(rest, part) if rest is not None and part is not None else None


def _newest(before: Arm | None, after: Arm | None) -> Arm | None:
    return carried(before, after) if before is not None and after is not None else after or before
