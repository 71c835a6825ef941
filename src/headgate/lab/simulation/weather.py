"""The weather: faults drawn from the seed, counted by name, and over once it has cleared."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import NoReturn

from headgate.lab.simulation.loop import LIFE, Life
from headgate.lab.simulation.scenario import Scenario
from headgate.ports import Permanent, Temporary

FAULTS: dict[str, tuple[str, ...]] = {
    "prepare": ("temporary", "permanent", "hang", "lost", "bug", "slow"),
    "execute": ("temporary", "permanent", "hang", "lost", "bug", "slow"),
    "outcome": ("not_applied", "unknown"),
    "stop": ("temporary", "permanent", "hang", "lost", "bug", "slow"),
    "apply": ("temporary", "permanent", "hang", "lost", "bug", "slow"),
    "check": ("temporary", "hang", "bug", "unknown"),
    "inspect": ("temporary", "hang", "bug"),
    "observed": ("temporary", "hang", "bug"),
    "idle": ("temporary", "busy"),
    "read": ("temporary", "hang", "bug", "nan", "negative", "reset"),
    "gate": ("temporary", "hang", "bug", "unknown"),
    "append": ("busy", "full", "slow", "slow"),
    "spool": ("full",),
}
"""What can happen to each kind of call."""

RARE = {"permanent": 0.5, "reset": 0.5, "unknown": 0.5, "not_applied": 0.5}
"""Faults that end a release are rarer than those that only delay it."""


class Weather:
    """Draws faults for calls and deaths for places. `died` is called with the life that has ended."""

    def __init__(self, scenario: Scenario, died: Callable[[Life, str], None]) -> None:
        self._random = Random(f"weather {scenario.seed}")
        self._storm = scenario.storm
        self._crashes = scenario.crashes
        self._blind = scenario.blind
        self._outages = scenario.outages
        self._died = died
        self.counts: Counter[str] = Counter()

    def clear(self) -> None:
        """No more faults, no more deaths."""
        self._storm = self._crashes = 0.0
        self._outages = ()

    def shut(self, call: str) -> str:
        """The fault of every call of this kind now; empty: such calls can succeed."""
        now = asyncio.get_running_loop().time()
        return next(
            (one.fault for one in self._outages if one.call == call and one.begins <= now < one.ends), ""
        )

    def draw(self, call: str) -> str:
        """The fault that befalls a call; empty: none."""
        if call == "read" and self._blind[0] <= asyncio.get_running_loop().time() < self._blind[1]:
            self.counts["read blind"] += 1
            return "temporary"
        if fault := self.shut(call):
            self.counts[f"{call} outage"] += 1
            return fault
        if not self._storm or self._random.random() >= self._storm:
            return ""
        fault = self._random.choice(FAULTS[call])
        if self._random.random() >= RARE.get(fault, 1.0):
            return ""
        self.counts[f"{call} {fault}"] += 1
        return fault

    def takes_s(self, least_s: float, most_s: float) -> float:
        """How long something takes."""
        return self._random.uniform(least_s, most_s)

    def coin(self, chance: float) -> bool:
        """True with this chance."""
        return self._random.random() < chance

    async def danger(self, place: str) -> None:
        """A place where a controller may die; whoever calls does not come back then."""
        life = LIFE.get(None)
        if life is None or not self._crashes or self._random.random() >= self._crashes:
            return
        self.counts[f"crash {place}"] += 1
        life.alive = False
        self._died(life, place)
        await asyncio.get_running_loop().create_future()

    async def befall(self, call: str, fault: str) -> None:
        """Carry out a fault that has nothing to do with the call's own work."""
        if fault == "slow":
            await asyncio.sleep(self.takes_s(0.5, 4.0))
        elif fault == "stuck":
            while self.shut(call):  # noqa: ASYNC110 - a disk has no event to wait for
                await asyncio.sleep(0.2)
        elif fault == "hang":
            await asyncio.get_running_loop().create_future()
        elif fault:
            _fail(call, fault)


def _fail(call: str, fault: str) -> NoReturn:
    if fault == "permanent":
        raise Permanent(f"{call}: it cannot be done")
    if fault == "bug":
        raise RuntimeError(f"{call}: a plugin's own fault")
    raise Temporary(f"{call}: not now")
