"""Journeys run on a schedule against a version, counted."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from headgate.core.machine.events import EffectId
from headgate.core.model import Answer, Finding, Mean, Version
from headgate.plugins.signals.synthetic import RUN_MAX_S, RUNS_MAX, STALE_AFTER, Settings, SyntheticSignals
from headgate.ports import Permanent, Temporary
from headgate.testing.fakes.target import MemoryTarget
from tests.plugins.traffic.envoys import version

OLD, NEW = version("a"), version("b")
JOURNEYS = ("buy", "browse")


class Slow(MemoryTarget):
    """A target whose checks take until they are let go, and that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.smoke_tests = {OLD: JOURNEYS, NEW: JOURNEYS}
        self.asked: list[tuple[Version, tuple[str, ...] | None]] = []
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.at_once = self.most = 0
        self.breaks = False

    async def check(self, version: Version, smoke: tuple[str, ...] | None = None) -> tuple[Finding, ...]:
        self.asked.append((version, smoke))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.let_go.wait()
        finally:
            self.at_once -= 1
        if self.breaks:
            raise RuntimeError("out of order")
        return await super().check(version, smoke)


@dataclass
class Stage:
    target: Slow = field(default_factory=Slow)
    now: float = 1000.0
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.signals = SyntheticSignals(
            self.settings,
            self.target,
            lambda version: self.target.smoke_tests.get(version, ()),
            lambda: self.now,
        )

    async def run(self, *versions: Version) -> None:
        """Read until every run that this begins has ended."""
        for one in versions:
            with contextlib.suppress(Temporary):
                await self.signals.read(one)
        runs = [tally.run for tally in self.signals._tallies.values() if tally.run is not None]
        await asyncio.gather(*runs)


async def _prepared(settings: Settings) -> Stage:
    stage = Stage(settings=settings)
    for one in (OLD, NEW):
        await stage.target.prepare(EffectId("r", 1, 0), one, 1)
    return stage


def play(scenario: Callable[[Stage], Awaitable[None]], **settings: object) -> None:
    async def played() -> None:
        stage = await _prepared(Settings(**settings))  # type: ignore[arg-type]
        try:
            await scenario(stage)
        finally:
            await stage.signals.aclose()

    asyncio.run(played())


def answers(stage: Stage, which: Version, **given: Answer) -> None:
    stage.target.answers |= {(which, f"smoke test {name}"): answer for name, answer in given.items()}


def test_passes_and_failures_are_counted_by_version() -> None:
    async def scenario(stage: Stage) -> None:
        answers(stage, NEW, buy="fail")
        for _ in range(3):
            await stage.run(OLD, NEW)
            stage.now += 10
        stable, canary = await stage.signals.read(OLD), await stage.signals.read(NEW)
        assert (stable.requests, stable.errors, stable.means) == (6, 0, {"synthetic": Mean(6.0, 6)})
        assert (canary.requests, canary.errors, canary.means) == (6, 3, {"synthetic": Mean(3.0, 6)})

    play(scenario)


def test_runs_keep_their_distance_and_nobody_waits_for_them() -> None:
    async def scenario(stage: Stage) -> None:
        stage.target.let_go.clear()
        for _ in range(5):
            with pytest.raises(Temporary, match="no journey of web@aaaaaaaaaaaa-00000000 has ended yet"):
                await stage.signals.read(OLD)
            await asyncio.sleep(0)
            stage.now += 1
        stage.target.let_go.set()
        await stage.run()
        for at, runs in ((1009.9, 1), (1010.0, 2), (1015.0, 2), (1020.0, 3)):
            stage.now = at
            await stage.run(OLD)
            assert len(stage.target.asked) == runs

    play(scenario)


def test_only_so_many_run_at_once() -> None:
    async def scenario(stage: Stage) -> None:
        stage.target.let_go.clear()
        many = [version(letter) for letter in "0123456789"]
        for one in many:
            stage.target.smoke_tests[one] = JOURNEYS
            with pytest.raises(Temporary):
                await stage.signals.read(one)
        for _ in range(50):
            await asyncio.sleep(0)
        assert stage.target.most == RUNS_MAX
        stage.target.let_go.set()
        await stage.run()
        assert len(stage.target.asked) == len(many)

    play(scenario)


def test_the_named_journeys_are_run() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.run(OLD)
        assert stage.target.asked == [(OLD, ("buy",))]
        assert (await stage.signals.read(OLD)).means == {"patrol": Mean(1.0, 1)}

    play(scenario, journeys=("buy",), mean="patrol")


def test_what_could_not_be_run_is_neither_good_nor_bad() -> None:
    async def scenario(stage: Stage) -> None:
        answers(stage, OLD, buy="unknown", browse="unknown")
        await stage.run(OLD)
        with pytest.raises(Temporary, match="has ended yet: smoke test b"):
            await stage.signals.read(OLD)
        (look,) = await stage.signals.inspect(OLD)
        assert "has ended yet" in look.problem
        answers(stage, OLD, browse="pass")
        stage.now += 10
        await stage.run(OLD)
        assert (await stage.signals.read(OLD)).requests == 1

    play(scenario)


def test_old_runs_say_nothing_of_the_present() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.run(OLD)
        stage.target.breaks = True
        for _ in range(STALE_AFTER):
            stage.now += 10
            await stage.run(OLD)
            assert (await stage.signals.read(OLD)).requests == 2
        stage.now += 1
        with pytest.raises(
            Temporary, match="has ended for 31 s: the target broke down: RuntimeError: out of order"
        ):
            await stage.signals.read(OLD)

    play(scenario)


def test_a_version_without_journeys_cannot_be_measured() -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(Permanent, match="has no smoke tests"):
            await stage.signals.read(version("c"))

    play(scenario)

    async def another(stage: Stage) -> None:
        with pytest.raises(Permanent, match=r"has no smoke test 'sell' \(it has buy, browse\)"):
            await stage.signals.read(OLD)
        (look,) = await stage.signals.inspect(OLD)
        assert "sell" in look.problem

    play(another, journeys=("buy", "sell"))


def test_inspect_waits_for_a_run() -> None:
    async def scenario(stage: Stage) -> None:
        answers(stage, OLD, buy="fail")
        (look,) = await stage.signals.inspect(OLD)
        assert look.answer.startswith("1 of 2 passed; the last run: smoke test buy")
        assert look.problem == ""

    play(scenario)


def test_a_run_that_hangs_is_given_up_when_we_go() -> None:
    async def scenario(stage: Stage) -> None:
        stage.target.let_go.clear()
        with pytest.raises(Temporary):
            await stage.signals.read(OLD)
        await asyncio.sleep(0)
        assert stage.target.at_once == 1
        await stage.signals.aclose()
        assert stage.target.at_once == 0
        assert RUN_MAX_S < 600

    play(scenario)
