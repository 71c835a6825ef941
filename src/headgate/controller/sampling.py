"""Reads both arms, takes the difference to the reading before, and asks the judge."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from headgate.controller.world import World
from headgate.core.judge.judge import JudgeState, observe, start
from headgate.core.model import Arm, Leg, Sample, Verdict, Version
from headgate.core.model.sample import since
from headgate.ports import PortError, Signals

Readings = tuple[Arm | None, Arm | None]


@dataclass(frozen=True)
class Observation:
    """One sample and what the judge makes of it; it counts only when the ledger has it."""

    sample: Sample
    verdict: Verdict
    judge: JudgeState


class Watcher:
    """The watch over one leg: where the last sample ended and what the judge remembers.

    Nothing moves forward before `commit`: an observation that was abandoned leaves no gap and no trace.
    """

    def __init__(self, leg: Leg, world: World) -> None:
        self._leg = leg
        self._world = world
        self._judge = start(leg.judge)
        self._readings: Readings = (None, None)
        self._read_at = 0.0

    async def open(self, at: float) -> None:
        """Read the counters where the first sample begins; does nothing once samples follow each other."""
        if self._readings == (None, None):
            self._readings, _ = await self._read()
            self._read_at = at

    async def observe(self, at: float, weight: int, exposure: int) -> Observation:
        """Sample the time since the last committed observation, up to `at`, and judge it. Never raises PortError."""
        readings, problems = await self._read()
        arms = [
            since(before, after) if before is not None and after is not None else None
            for before, after in zip(self._readings, readings, strict=True)
        ]
        sample = Sample(
            unit=self._leg.unit,
            at=at,
            interval_s=max(0.0, at - self._read_at),
            weight=weight,
            stable=arms[0],
            canary=arms[1],
            problems=problems,
            readings=readings,
        )
        return self._judged(sample, exposure)

    def _judged(self, sample: Sample, exposure: int) -> Observation:
        judge, verdict = observe(self._leg.judge, self._judge, sample, exposure)
        return Observation(sample, verdict, judge)

    def commit(self, observation: Observation) -> None:
        """The ledger has it: the next sample starts where this one ended (an arm that was silent keeps its start)."""
        self._judge = observation.judge
        before, after = self._readings, observation.sample.readings
        self._readings = (after[0] or before[0], after[1] or before[1])
        self._read_at = observation.sample.at

    def replay(self, sample: Sample, exposure: int) -> Verdict:
        """Judge a sample from the ledger again, and carry on from it."""
        observation = self._judged(sample, exposure)
        self.commit(observation)
        return observation.verdict

    async def _read(self) -> tuple[Readings, tuple[str, ...]]:
        """Both arms, side by side; what cannot be read is None, with its reason."""
        stable, canary = await asyncio.gather(self._arm(self._leg.baseline), self._arm(self._leg.candidate))
        return (stable[0], canary[0]), (*stable[1], *canary[1])

    async def _arm(self, version: Version | None) -> tuple[Arm | None, tuple[str, ...]]:
        if version is None:
            return Arm(), ()
        sources = self._world.signals
        limit_s = self._world.patience.signal_s
        read = await asyncio.gather(*(_reading(source, version, limit_s) for source in sources))
        arms = [arm for arm in read if isinstance(arm, Arm)]
        problems = tuple(problem for problem in read if isinstance(problem, str))
        return (merged(arms) if isinstance(read[0], Arm) else None), problems


async def _reading(source: Signals, version: Version, limit_s: float) -> Arm | str:
    try:
        async with asyncio.timeout(limit_s):
            return await source.read(version)
    except TimeoutError:
        return f"no answer for {version} within {limit_s:g} s"
    except PortError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a fault in a plugin is unknown, and must not blind the release
        return f"{type(source).__name__} broke down: {type(error).__name__}: {error}"


def merged(arms: Sequence[Arm]) -> Arm:
    """What several sources know of one arm, as one: the first that counts requests, and everybody's means."""
    counting = next((arm for arm in arms if arm.requests or arm.latency_ms), arms[0])
    means = {name: mean for arm in arms for name, mean in arm.means.items()}
    return msgspec.structs.replace(counting, means=means)
