"""A shop with a past, to show on pages: real releases by the real controller, over ports in memory."""

import asyncio
import math
import time
from dataclasses import dataclass, field

from msgspec.structs import replace

from headgate.core.model import Arm, Histogram, Mean, Rollout, Stage, Unit, Version
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency
from headgate.core.release.planning import Policies
from headgate.core.release.submission import Submission
from headgate.ledger import MemoryLedger
from tests.controller.house import WEB, Home, House, intent, play

JUDGE = JudgeSpec(
    (ErrorRatio(max=0.05), Latency(max_ms=250.0)), requests_min=10, interval_s=0.25, beta=0.2, worse_by=0.2
)
STEPS = (Stage(weight=20, bake_s=2.0), Stage(weight=50, bake_s=1.0))
BOUNDS_MS = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 60_000.0)
FAST = (0.02, 0.2, 0.55, 0.8, 0.95, 0.985, 0.996, 1.0, 1.0, 1.0, 1.0)
"""The share of answers within each bound, on a good day."""
SLOW_FROM_MS = 500.0
LONG_AGO_S = 3600.0
ORDERS = "orders_completed"


@dataclass
class Shop(House):
    """A house that measures latency too: `slow` is the share of a version's answers that take long.

    `lost` is the share of its orders that are not completed: every request is one.
    """

    slow: dict[Version, float] = field(default_factory=dict)
    lost: dict[Version, float] = field(default_factory=dict)
    seen: dict[Version, tuple[int, tuple[int, ...]]] = field(default_factory=dict)

    async def read(self, version: Version) -> Arm:
        """See Signals."""
        arm = await super().read(version)
        known, counts = self.seen.get(version, (0, (0,) * len(BOUNDS_MS)))
        fresh = max(0, arm.requests - known)
        late = round(fresh * self.slow.get(version, 0.0))
        more = [
            math.ceil(share * (fresh - late)) + (late if bound >= SLOW_FROM_MS else 0)
            for bound, share in zip(BOUNDS_MS, FAST, strict=True)
        ]
        counts = tuple(one + other for one, other in zip(counts, more, strict=True))
        self.seen[version] = arm.requests, counts
        kept = round(arm.requests * (1 - self.lost.get(version, 0.0)))
        return replace(
            arm, latency_ms=Histogram(BOUNDS_MS, counts), means={ORDERS: Mean(float(kept), arm.requests)}
        )


def version(digit: str, unit: Unit = WEB) -> Version:
    """A version of its own digests."""
    return Version(unit, digit * 64, digit * 64)


def wish(
    digit: str,
    label: str,
    *,
    unit: Unit = WEB,
    stages: tuple[Stage, ...] = STEPS,
    author: str = "ci",
    reason: str = "",
    judge: JudgeSpec = JUDGE,
) -> Submission:
    """Move `unit` to the version of this digit."""
    rollout = Rollout(stages=stages, warm_s=0.5, drain_s=0.1)
    wanted = replace(intent(version(digit, unit), rollout), label=label, judge=judge)
    return Submission((wanted,), Policies(gates=("ready",)), author, reason)


def past(unit: Unit = WEB, labels: tuple[str, str, str, str] = ("v1", "v2", "v3", "v4")) -> Home:
    """A home in which a release was the first, one was promoted, one failed and one was slow."""
    home = Home(Shop(), MemoryLedger())
    house = home.house
    assert isinstance(house, Shop)
    house.failing[version("c", unit)] = 0.12
    house.slow[version("d", unit)] = 0.2

    async def story() -> None:
        controller = await home.start()
        for digit, label in zip("abcd", labels, strict=True):
            name = await controller.submit(wish(digit, label, unit=unit, reason=f"{label}: a better shop"))
            await home.until_closed(name)
            await asyncio.sleep(600.0)
        await controller.close()

    home.wall = time.time() - LONG_AGO_S
    play(story)
    house.flowed_at = 0.0
    return home


def watched_for_long(home: Home, entries: int) -> str:
    """One more release, which bakes until it has so many entries, most of them verdicts; returns its name."""
    names: list[str] = []

    async def story() -> None:
        controller = await home.start()
        names.append(await controller.submit(wish("e", "v5", stages=(Stage(weight=50, bake_s=1e7),))))
        while len(home.ledger.read(names[0])) < entries:  # noqa: ASYNC110 - what is waited for knows nothing of us
            await asyncio.sleep(10.0)
        await controller.close()

    home.house.flowed_at = 0.0
    play(story)
    home.house.flowed_at = 0.0
    return names[0]


def summaries(home: Home) -> list[str]:
    """What became of each release, newest first."""
    return [summary.outcome or summary.phase for summary in home.ledger.summaries(limit=100)]
