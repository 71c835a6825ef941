"""Samples follow one another without a gap, whatever happens between them."""

import math

import pytest
from msgspec.structs import replace

from headgate.controller.readings import merged, nonsense, read_arm
from headgate.controller.sampling import Watcher
from headgate.core.judge import judgement
from headgate.core.machine.state import UNEXPOSED
from headgate.core.model import Arm, Counts, Histogram, Mean, Rollout, Stage, Verdict, Version
from headgate.core.release.planning import Policies, plan
from headgate.ports import Permanent, Temporary
from tests.controller.house import ONE, PATIENCE, TWO, WEB, Behaviour, House, intent, play

LEG = plan((intent(TWO),), {WEB: ONE}, Policies()).legs[0]


def house_with(stable: int, canary: int) -> House:
    return House(counters={ONE: Counts(stable, 0), TWO: Counts(canary, 0)})


def count(house: House, stable: int, canary: int) -> None:
    house.counters = {ONE: Counts(stable, 0), TWO: Counts(canary, 0)}


def requests(arm: Arm | None) -> int | None:
    return arm.requests if arm is not None else None


def test_a_sample_is_what_has_happened_since_the_last_one_that_counts() -> None:
    async def story() -> None:
        house = house_with(100, 10)
        watcher = Watcher(LEG, house.world())
        await watcher.open(0.0, 1)
        count(house, 180, 20)
        abandoned = await watcher.observe(1.0, 20, 1)
        assert requests(abandoned.sample.stable) == 80
        count(house, 260, 30)
        seen = await watcher.observe(2.0, 20, 1)
        assert (requests(seen.sample.stable), requests(seen.sample.canary), seen.sample.interval_s) == (
            160,
            20,
            2.0,
        )
        watcher.commit(seen)
        await watcher.open(99.0, 1)
        count(house, 300, 31)
        after = await watcher.observe(3.0, 20, 1)
        assert (requests(after.sample.stable), requests(after.sample.canary), after.sample.interval_s) == (
            40,
            1,
            1.0,
        )

    play(story)


@pytest.mark.parametrize(
    "trouble", [Temporary("no answer"), Permanent("gone"), RuntimeError("a bug"), "hang"]
)
def test_an_arm_that_is_silent_is_unknown_and_loses_nothing(trouble: Behaviour) -> None:
    async def story() -> None:
        house = house_with(100, 10)
        watcher = Watcher(LEG, house.world())
        await watcher.open(0.0, 1)
        house.does["read"] = [trouble]
        count(house, 180, 20)
        blind = await watcher.observe(1.0, 20, 1)
        assert (blind.sample.stable, requests(blind.sample.canary)) == (None, 10)
        assert len(blind.sample.problems) == 1
        assert blind.verdict.kind == "no_data"
        watcher.commit(blind)
        count(house, 260, 30)
        seen = await watcher.observe(2.0, 20, 1)
        assert (requests(seen.sample.stable), requests(seen.sample.canary)) == (160, 10)

    play(story)


def test_counters_that_begin_again_count_from_zero() -> None:
    async def story() -> None:
        house = house_with(100, 10)
        watcher = Watcher(LEG, house.world())
        await watcher.open(0.0, 1)
        count(house, 7, 20)
        seen = await watcher.observe(1.0, 20, 1)
        assert (requests(seen.sample.stable), requests(seen.sample.canary)) == (7, 10)

    play(story)


def test_a_replay_of_the_samples_remembers_what_the_judge_knew() -> None:
    async def story() -> None:
        house = house_with(0, 0)
        live, later = Watcher(LEG, house.world()), Watcher(LEG, house.world())
        await live.open(0.0, 1)
        for at in range(1, 6):
            count(house, 80 * at, 20 * at)
            seen = await live.observe(float(at), 20, 1)
            live.commit(seen)
            assert later.replay(seen.sample, 1) == seen.verdict
        await later.open(99.0, 1)
        count(house, 480, 120)
        one, other = await live.observe(6.0, 20, 1), await later.observe(6.0, 20, 1)
        assert one == other

    play(story)


def test_a_judge_that_breaks_down_is_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> tuple[object, Verdict]:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(judgement, "observe", broken)

    async def story() -> None:
        watcher = Watcher(LEG, house_with(1, 1).world())
        await watcher.open(0.0, 1)
        seen = await watcher.observe(1.0, 20, 1)
        assert (seen.verdict.kind, seen.verdict.reason) == (
            "no_data",
            "the judge broke down: ZeroDivisionError: by zero",
        )
        assert watcher.replay(seen.sample, 1) == seen.verdict

    play(story)


def test_a_first_release_has_a_stable_arm_without_anything() -> None:
    async def story() -> None:
        watcher = Watcher(plan((intent(TWO),), {}, Policies()).legs[0], house_with(5, 5).world())
        await watcher.open(0.0, 1)
        seen = await watcher.observe(1.0, 100, 1)
        assert seen.sample.stable == Arm()

    play(story)


def test_a_canary_that_nobody_is_sent_to_is_not_read_and_is_no_news() -> None:
    async def story() -> None:
        house = house_with(100, 10)
        watcher = Watcher(LEG, house.world())
        await watcher.open(0.0, UNEXPOSED)
        house.does["read"] = [None, Permanent("it does not run yet")]
        count(house, 180, 20)
        seen = await watcher.observe(1.0, 0, UNEXPOSED)
        assert (requests(seen.sample.stable), seen.sample.canary, seen.sample.problems) == (80, Arm(), ())
        assert (seen.verdict.kind, seen.sample.readings[1]) == ("watch", None)
        watcher.commit(seen)
        house.does.clear()
        await watcher.open(1.0, 1)
        count(house, 260, 30)
        seen = await watcher.observe(2.0, 20, 1)
        assert (requests(seen.sample.stable), requests(seen.sample.canary)) == (80, 10)

    play(story)


# --- readings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arm",
    [
        Arm(requests=-1),
        Arm(errors=-1),
        Arm(requests=math.nan),  # type: ignore[arg-type]
        Arm(instances={"a": Counts(1, -1)}),
        Arm(means={"orders": Mean(math.inf, 1)}),
        Arm(means={"orders": Mean(0.0, -1)}),
        Arm(latency_ms=Histogram((1.0, math.nan), (1, 1))),
        Arm(latency_ms=Histogram((1.0,), (-1,))),
    ],
)
def test_nonsense(arm: Arm) -> None:
    assert nonsense(arm)


def test_sense() -> None:
    histogram = Histogram((1.0, 2.0), (3, 4))
    assert nonsense(Arm(5, 1, histogram, {"a": Counts(5, 1)}, {"orders": Mean(0.5, 3)})) == ""


class Source:
    def __init__(self, answer: Arm | Exception) -> None:
        self.answer = answer

    async def read(self, version: Version) -> Arm:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_sources_are_merged_and_the_first_one_measures_the_traffic() -> None:
    traffic, orders = Arm(10, 1), Arm(means={"orders": Mean(3.0, 4)})

    async def story() -> None:
        both = await read_arm((Source(traffic), Source(orders)), ONE, PATIENCE.signal_s)
        assert both.arm == Arm(10, 1, means={"orders": Mean(3.0, 4)})
        half = await read_arm((Source(traffic), Source(Temporary("no \udcff"))), ONE, PATIENCE.signal_s)
        assert (half.arm, half.problems) == (traffic, ("no ?",))
        blind = await read_arm((Source(Temporary("no")), Source(orders)), ONE, PATIENCE.signal_s)
        assert (blind.arm, blind.problems) == (None, ("no",))
        wrong = await read_arm((Source(Arm(-1)),), ONE, PATIENCE.signal_s)
        assert (wrong.arm, len(wrong.problems)) == (None, 1)

    play(story)
    assert merged(traffic, (orders, traffic)).requests == 10


# --- a fresh baseline -------------------------------------------------------------------------------------------------

FRESH = replace(ONE, fresh=True)
STAGES = (Stage(weight=20, bake_s=2.0), Stage(weight=100, bake_s=2.0))
BESIDE = plan((intent(TWO, Rollout(stages=STAGES, fresh_baseline=True)),), {WEB: ONE}, Policies()).legs[0]
SHARED, WHOLE = 1, 3
"""The steps in which it has its share, and in which the canary has everything."""


def three(house: House, stable: int, canary: int, fresh: int) -> None:
    house.counters = {ONE: Counts(stable, 0), TWO: Counts(canary, 0), FRESH: Counts(fresh, 0)}


def test_stable_is_its_two_parts_together_while_a_fresh_baseline_has_a_share() -> None:
    async def story() -> None:
        house = House()
        three(house, 100, 10, 5)
        watcher = Watcher(BESIDE, house.world())
        await watcher.open(0.0, SHARED)
        three(house, 160, 30, 25)
        sample = (await watcher.observe(1.0, 20, SHARED)).sample
        assert (requests(sample.stable), requests(sample.canary), requests(sample.fresh)) == (80, 20, 20)
        assert (requests(sample.readings[0]), requests(sample.fresh_reading)) == (160, 25)

    play(story)


def test_a_fresh_baseline_is_read_in_the_steps_in_which_it_has_a_share() -> None:
    async def story() -> None:
        house = House()
        three(house, 100, 10, 5)
        watcher = Watcher(BESIDE, house.world())
        await watcher.open(0.0, UNEXPOSED)
        three(house, 180, 10, 5)
        alone = await watcher.observe(1.0, 0, UNEXPOSED)
        assert (requests(alone.sample.stable), alone.sample.fresh, alone.sample.fresh_reading) == (
            80,
            None,
            None,
        )
        watcher.commit(alone)
        await watcher.open(1.0, SHARED)
        three(house, 240, 30, 25)
        shared = await watcher.observe(2.0, 20, SHARED)
        assert (requests(shared.sample.stable), requests(shared.sample.fresh)) == (80, 20)
        watcher.commit(shared)
        three(house, 240, 130, 25)
        after = await watcher.observe(3.0, 100, WHOLE)
        assert (requests(after.sample.stable), after.sample.fresh) == (0, None)

    play(story)


@pytest.mark.parametrize(
    ("silent", "later"), [(0, (140, 20, 40)), (2, (140, 20, 40))], ids=["stable", "the fresh baseline"]
)
def test_a_silent_part_makes_stable_unknown_and_neither_part_loses_anything(
    silent: int, later: tuple[int, int, int]
) -> None:
    async def story() -> None:
        house = House()
        three(house, 100, 10, 5)
        watcher = Watcher(BESIDE, house.world())
        await watcher.open(0.0, SHARED)
        house.does["read"] = [Temporary("no answer") if n == silent else None for n in range(3)]
        three(house, 160, 30, 25)
        blind = await watcher.observe(1.0, 20, SHARED)
        assert (blind.sample.stable, requests(blind.sample.canary), blind.sample.fresh) == (None, 20, None)
        assert blind.verdict.kind == "no_data"
        watcher.commit(blind)
        three(house, 200, 50, 45)
        seen = (await watcher.observe(2.0, 20, SHARED)).sample
        assert (requests(seen.stable), requests(seen.canary), requests(seen.fresh)) == later

    play(story)


def test_a_replay_of_samples_with_a_fresh_baseline_goes_on_where_they_ended() -> None:
    async def story() -> None:
        house = House()
        three(house, 0, 0, 0)
        live, later = Watcher(BESIDE, house.world()), Watcher(BESIDE, house.world())
        await live.open(0.0, SHARED)
        for at in range(1, 6):
            three(house, 60 * at, 20 * at, 20 * at)
            seen = await live.observe(float(at), 20, SHARED)
            live.commit(seen)
            assert later.replay(seen.sample, SHARED) == seen.verdict
        await later.open(99.0, SHARED)
        three(house, 360, 120, 130)
        assert await live.observe(6.0, 20, SHARED) == await later.observe(6.0, 20, SHARED)

    play(story)
