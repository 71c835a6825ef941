"""Effects become calls within bounds: retries, timeouts, turns, and what is asked last of all before a stop."""

import asyncio
from collections.abc import Callable

import pytest

from headgate.controller.clock import SteadyClock
from headgate.controller.perform import Performer
from headgate.controller.underway import Underway, resource
from headgate.core.machine.effects import (
    AskGates,
    Effect,
    Observe,
    PrepareVersion,
    RunSmoke,
    SetRouting,
    StopVersion,
    VerifyVersion,
    WakeAt,
)
from headgate.core.machine.events import (
    AnyEvent,
    EffectFailed,
    EffectId,
    GatesAnswered,
    RoutingSet,
    SmokeTested,
    TimeCame,
    VersionPrepared,
    VersionStopped,
    VersionVerified,
)
from headgate.core.machine.state import Pending
from headgate.core.model import Finding, Listener, Routing, Version
from headgate.core.release.planning import Policies, plan
from headgate.ports import Permanent, Temporary
from tests.controller.house import ONE, TWO, WEB, Behaviour, House, intent, play

ID = EffectId("r1", 1, 0)
PLAN = plan((intent(ONE),), {}, Policies())
ROUTE = SetRouting(Routing(WEB, Listener(8000), ONE))
CALLS: tuple[tuple[str, Effect], ...] = (
    ("prepare", PrepareVersion(ONE, 2)),
    ("apply", ROUTE),
    ("stop", StopVersion(ONE, 0.0)),
)


def nobody(release: str, version: Version) -> str:
    return ""


def perform(
    house: House,
    effect: Effect,
    keep: Callable[[str, Version], str] = nobody,
    held: Callable[[], bool] = lambda: True,
) -> tuple[AnyEvent, float]:
    """The answer to an effect, and how long it took."""

    async def story() -> tuple[AnyEvent, float]:
        loop = asyncio.get_running_loop()
        performer = Performer(house.world(), SteadyClock(1000.0), keep, held)
        return await performer.perform(ID, effect, PLAN), loop.time()

    return play(story)


def reason(event: AnyEvent) -> str:
    assert isinstance(event, EffectFailed), event
    return event.reason


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "effect"), CALLS)
@pytest.mark.parametrize(
    "trouble", [Temporary("not now"), RuntimeError("a bug"), "hang", TimeoutError("socket")]
)
def test_what_may_pass_is_tried_again(call: str, effect: Effect, trouble: Behaviour) -> None:
    house = House(does={call: [trouble, trouble]})
    answer, _ = perform(house, effect)
    assert not isinstance(answer, EffectFailed)
    assert len(house.calls) == 3


@pytest.mark.parametrize(("call", "effect"), CALLS)
def test_a_bounded_number_of_times(call: str, effect: Effect) -> None:
    house = House(does={call: [Temporary("not now")] * 99})
    answer, took_s = perform(house, effect)
    assert reason(answer) == "not now (tried 3 times)"
    assert len(house.calls) == 3
    assert took_s == pytest.approx(0.2 + 0.4)


@pytest.mark.parametrize(("call", "effect"), CALLS)
def test_what_cannot_pass_is_not_tried_again(call: str, effect: Effect) -> None:
    house = House(does={call: [Permanent("the digest does not match")]})
    assert reason(perform(house, effect)[0]) == "the digest does not match"
    assert len(house.calls) == 1


def test_what_hangs_is_cut_off() -> None:
    answer, took_s = perform(House(does={"apply": ["hang"] * 9}), ROUTE)
    assert reason(answer) == "route shop/production/web: not done within 2 s (tried 3 times)"
    assert took_s == pytest.approx(3 * 2.0 + 0.6)


def test_answers_carry_the_identity_of_what_they_answer() -> None:
    house = House(routing=Routing(WEB, Listener(8000), ONE))
    told: dict[Effect, type[AnyEvent]] = {
        AskGates(("ready",)): GatesAnswered,
        PrepareVersion(ONE, 2): VersionPrepared,
        ROUTE: RoutingSet,
        RunSmoke(ONE): SmokeTested,
        VerifyVersion(ONE): VersionVerified,
        StopVersion(ONE, 0.0): VersionStopped,
        WakeAt(0, 1001.0): TimeCame,
    }
    for effect, kind in told.items():
        answer, _ = perform(house, effect)
        assert type(answer) is kind
        assert getattr(answer, "effect") == ID  # noqa: B009 - only answers have it
    with pytest.raises(TypeError, match="Observe is not for the performer"):
        perform(house, Observe(0, 0, 0.0))


def test_a_wake_up_comes_in_time() -> None:
    assert perform(House(), WakeAt(0, 1042.0))[1] == 42.0
    assert perform(House(), WakeAt(0, 1.0))[1] == 0.0


@pytest.mark.parametrize(("call", "effect"), CALLS)
def test_without_the_lease_nothing_is_touched(call: str, effect: Effect) -> None:
    house = House()
    assert "lost its lease" in reason(perform(house, effect, held=lambda: False)[0])
    assert house.calls == []


# --- questions --------------------------------------------------------------------------------------------------------


def findings(event: AnyEvent) -> tuple[Finding, ...]:
    assert isinstance(event, GatesAnswered | SmokeTested | VersionVerified), event
    return event.findings


@pytest.mark.parametrize("trouble", [Temporary("not now"), Permanent("never"), RuntimeError("a bug"), "hang"])
def test_a_gate_that_cannot_answer_is_unknown(trouble: Behaviour) -> None:
    answer, took_s = perform(House(does={"ask": [trouble]}), AskGates(("ready",)))
    assert [finding.answer for finding in findings(answer)] == ["unknown"]
    assert took_s <= 2.0


def test_a_gate_that_is_not_there_fails() -> None:
    found = findings(perform(House(), AskGates(("frieze",)))[0])
    assert found == (Finding("frieze", "fail", "there is no gate of this name (known: ready)"),)


@pytest.mark.parametrize("trouble", [Temporary("not now"), RuntimeError("a bug"), "hang"])
def test_a_smoke_test_that_cannot_be_run_is_unknown(trouble: Behaviour) -> None:
    answer, _ = perform(House(does={"check": [trouble]}), RunSmoke(ONE))
    assert [finding.answer for finding in findings(answer)] == ["unknown"]


def test_stable_is_asked_again_before_it_is_called_unwell() -> None:
    house = House(routing=Routing(WEB, Listener(8000), ONE), does={"check": [Temporary("not now")] * 3})
    answer, _ = perform(house, VerifyVersion(ONE))
    assert {finding.answer for finding in findings(answer)} == {"pass"}
    assert len(house.calls) == 6
    house.does["check"] = ["hang"] * 99
    answer, took_s = perform(house, VerifyVersion(ONE))
    assert {finding.answer for finding in findings(answer)} == {"pass", "unknown"}
    assert took_s == pytest.approx(3 * 3.0 + 0.6)


@pytest.mark.parametrize("trouble", [None, "hang", Temporary("not now")])
def test_back_on_stable_is_what_the_proxy_says(trouble: Behaviour) -> None:
    exposed = Routing(WEB, Listener(8000), ONE, TWO, 5)
    house = House(routing=exposed, does={"observed": [trouble] * 9})
    found = {finding.check: finding.answer for finding in findings(perform(house, VerifyVersion(ONE))[0])}
    assert found["proxy"] == ("fail" if trouble is None else "unknown")


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_a_version_is_drained_before_it_is_stopped_and_not_for_ever() -> None:
    assert perform(House(), StopVersion(ONE, 30.0))[1] == 0.0
    assert perform(House(busy=True), StopVersion(ONE, 30.0))[1] == 30.0
    assert perform(House(does={"idle": ["hang"]}), StopVersion(ONE, 30.0))[1] == 30.0
    assert perform(House(does={"idle": [Temporary("?")] * 3}), StopVersion(ONE, 30.0))[1] == pytest.approx(
        0.3
    )


def test_a_version_that_is_needed_is_kept() -> None:
    house = House()
    answer, _ = perform(house, StopVersion(ONE, 5.0), keep=lambda *_: "r2 moves it")
    assert isinstance(answer, VersionStopped)
    assert (answer.kept, house.calls) == ("r2 moves it", [])


def test_a_version_that_is_needed_by_the_time_it_is_drained_is_kept() -> None:
    house = House(busy=True)
    needs = iter(["", "r2 moves it"])
    answer, _ = perform(house, StopVersion(ONE, 5.0), keep=lambda *_: next(needs))
    assert isinstance(answer, VersionStopped)
    assert (answer.kept, house.calls) == ("r2 moves it", [])


def test_orders_to_one_version_take_turns_also_from_two_releases() -> None:
    async def story() -> None:
        house = House(does={"stop": ["3"]}, running={ONE: 1})
        performer = Performer(house.world(), SteadyClock(0.0), nobody, lambda: True)
        stop = asyncio.create_task(performer.perform(ID, StopVersion(ONE, 0.0), PLAN))
        await asyncio.sleep(1.0)
        other = EffectId("r2", 4, 0)
        await performer.perform(other, PrepareVersion(ONE, 2), PLAN)
        assert asyncio.get_running_loop().time() == 3.0
        assert stop.done()
        assert house.running == {ONE: 2}

    play(story)


# --- abandoning -------------------------------------------------------------------------------------------------------


def pending(n: int, effect: Effect) -> Pending:
    return Pending(EffectId("r1", n, 0), effect)


def test_an_order_waits_until_all_abandoned_ones_to_the_same_thing_have_ended() -> None:
    async def story() -> None:
        log: list[str] = []

        async def carry_out(entry: Pending) -> None:
            name = f"{entry.id.sequence}"
            log.append(f"begin {name}")
            try:
                await asyncio.sleep(100.0)
            finally:
                await asyncio.sleep(0.5)
                log.append(f"end {name}")

        underway = Underway(carry_out, abandon_s=5.0)
        for n in (1, 2, 3):
            underway.settle([pending(n, ROUTE)])
            await asyncio.sleep(0.1)
        await asyncio.sleep(2.0)
        assert log == ["begin 1", "end 1", "begin 3"]
        await underway.end()
        assert log[-1] == "end 3"

    play(story)


def test_and_not_for_longer_than_it_may() -> None:
    async def story() -> None:
        began: list[float] = []

        async def carry_out(entry: Pending) -> None:
            began.append(asyncio.get_running_loop().time())
            stubborn = asyncio.get_running_loop().time() + 50.0
            while (now := asyncio.get_running_loop().time()) < stubborn:
                try:
                    await asyncio.sleep(stubborn - now)
                except asyncio.CancelledError:
                    continue

        underway = Underway(carry_out, abandon_s=2.0)
        underway.settle([pending(1, ROUTE)])
        await asyncio.sleep(0.0)
        underway.settle([pending(2, ROUTE)])
        await asyncio.sleep(100.0)
        assert began == [0.0, 2.0]

    play(story)


def test_orders_to_different_things_do_not_wait() -> None:
    things = {resource(effect) for _, effect in CALLS} | {
        resource(PrepareVersion(TWO, 1)),
        resource(RunSmoke(ONE)),
    }
    assert len(things) == 4
