"""One release from end to end: the real machine, the real controller, a small world."""

import asyncio

import pytest

from headgate.core.machine.effects import SetRouting
from headgate.core.machine.events import (
    AnyEvent,
    EffectDelayed,
    EffectFailed,
    Judged,
    PromotionForced,
    ReleaseAborted,
    ReleasePaused,
    ReleaseRequested,
    ReleaseResumed,
    RoutingSet,
    StepApproved,
    VersionLost,
)
from headgate.core.machine.names import Illegal
from headgate.core.model import Finding, Rollout, Sample, Stage
from headgate.core.model.summary import Summary
from headgate.ledger import Entry, LedgerBusy, LedgerError, LedgerFull, MemoryLedger
from headgate.ports import Permanent, Temporary
from headgate.ports.controller import Stopped, UnknownRelease
from tests.controller.house import ONE, PATIENCE, TWO, Home, House, play, wait_for, wish


def test_a_good_release_is_promoted_and_the_old_version_stops_after_its_window() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "promoted")
        assert home.house.running == {ONE: 1, TWO: 1}
        ended = asyncio.get_running_loop().time()
        await home.until_closed(name)
        assert asyncio.get_running_loop().time() - ended == pytest.approx(5.0, abs=0.2)
        assert home.house.running == {TWO: 1}
        assert home.house.calls == ["ask", "prepare 2x1", "apply 1/20", "apply 1/100", "apply 2/0", "stop 1"]
        assert supervisor.open_releases() == ()
        await supervisor.close()

    play(story)


def test_a_bad_release_is_rolled_back_verified_and_stopped() -> None:
    async def story() -> None:
        home = Home()
        home.house.failing[TWO] = 0.5
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await home.until_closed(name)
        summary = home.ledger.summary(name)
        assert summary is not None
        assert summary.outcome == "rolled_back"
        assert home.house.calls[:4] == ["ask", "prepare 2x1", "apply 1/20", "apply 1/0"]
        assert sorted(home.house.calls[4:]) == ["check 1", "check 1", "stop 2"]
        assert home.house.running == {ONE: 1}
        verdicts = [e.verdict.kind for e in home.events(name, Judged) if isinstance(e, Judged)]
        assert verdicts[-1] == "fail"
        again = await supervisor.submit(wish(TWO))
        assert home.phase(again) == "refused"
        third = await supervisor.submit(wish(TWO, retry="the database is back"))
        await home.until_closed(third)
        tried = [event for event in home.events(third) if isinstance(event, ReleaseRequested)]
        assert [leg.judge.retry for leg in tried[0].plan.legs] == [1], "what was refused was not tried"
        await supervisor.close()

    play(story)


def test_stable_is_watched_while_the_new_version_is_prepared() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        home.house.does["prepare"] = ["4.0"]
        name = await supervisor.submit(wish(TWO))
        await home.until_closed(name)
        events = home.events(name)
        exposed_at = next(event.at for event in events if isinstance(event, RoutingSet))
        looks = [e for e in events if isinstance(e, Judged) and e.at < exposed_at]
        assert len(looks) >= 7
        assert {(e.verdict.kind, e.requests[1]) for e in looks} == {("watch", 0)}
        assert all(e.requests[0] > 0 for e in looks)
        first = home.events("r1", RoutingSet)[0]
        assert not any(e.at < first.at for e in home.events("r1", Judged)), (
            "there was no stable to learn from"
        )
        await supervisor.close()

    play(story)


@pytest.mark.parametrize(
    ("answer", "outcome"), [("fail", "refused"), ("unknown", "refused"), ("warn", "promoted")]
)
def test_gates(answer: str, outcome: str) -> None:
    async def story() -> None:
        home = Home(House(gates=(Finding("freeze", answer, "it is Friday"),)))  # type: ignore[arg-type]
        supervisor = await home.start()
        name = await supervisor.submit(wish(ONE))
        await home.until_closed(name)
        assert home.phase(name) == outcome
        assert bool(home.house.running) == (outcome == "promoted")
        await supervisor.close()

    play(story)


def test_a_person_at_the_wheel() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        stages = (Stage(weight=20, bake_s=1.0, pause="look"),)
        name = await supervisor.submit(wish(TWO, Rollout(stages=stages, warm_s=1.0)))
        await home.until(name, "waiting for approval")
        with pytest.raises(Illegal, match="nothing to resume"):
            await supervisor.tell(name, ReleaseResumed(at=0.0, by="ada"))
        await supervisor.tell(name, ReleasePaused(at=0.0, by="ada"))
        state = await supervisor.tell(name, StepApproved(at=0.0, by="ada"))
        assert (state.paused, state.done) == (True, True)
        await supervisor.tell(name, ReleaseResumed(at=0.0, by="ada"))
        await supervisor.tell(name, PromotionForced(at=0.0, by="ada", reason="it is fine"))
        await home.until_closed(name)
        with pytest.raises(UnknownRelease, match=r"no open release is called 'r2' \(open: none\)"):
            await supervisor.tell(name, ReleaseAborted(at=0.0, by="ada"))
        await supervisor.close()

    play(story)


def test_what_was_told_in_the_very_moment_of_the_end_is_answered() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "baking")
        actor = supervisor.actor(name)
        assert actor is not None
        await supervisor.tell(name, ReleaseAborted(at=0.0, by="ada"))
        await home.until_closed(name)
        with pytest.raises(Stopped):
            await actor.tell(ReleasePaused(at=0.0, by="ada"))
        await supervisor.close()

    play(story)


def test_a_first_release_whose_port_is_taken_is_rolled_back_with_its_reason() -> None:
    async def story() -> None:
        home = Home()
        home.house.does["apply"] = [Permanent("port 8000 is taken")] * 2
        supervisor = await home.start()
        name = await supervisor.submit(wish(ONE))
        await home.until_closed(name)
        summary = home.ledger.summary(name)
        assert summary is not None
        assert (summary.outcome, summary.reason) == ("rolled_back", "port 8000 is taken")
        assert home.house.running == {}
        await supervisor.close()

    play(story)


@pytest.mark.parametrize(
    "error", [Temporary("no answer"), Permanent("refused"), RuntimeError("a bug"), "hang"]
)
def test_a_rollback_is_tried_until_it_is_done(error: Exception | str) -> None:
    """Nobody need ask for it again: neither users nor the bad version stay where they are when the cause is gone."""

    async def story() -> None:
        home = Home()
        home.house.failing[TWO] = 0.5
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "baking")
        home.house.does["apply"] = [error] * 1_000_000
        await wait_for(lambda: bool(home.events(name, EffectDelayed)))
        assert home.house.routing is not None
        assert (home.house.routing.weight, home.phase(name)) == (20, "rolling back")
        await asyncio.sleep(100.0)
        home.house.does["apply"].clear()
        opened = asyncio.get_running_loop().time()
        await wait_for(
            lambda: home.house.routing is not None and not home.house.routing.exposed, within_s=5.0
        )
        assert asyncio.get_running_loop().time() - opened <= PATIENCE.routing_s + PATIENCE.back_retry_s
        await home.until_closed(name)
        assert home.house.routing.stable == ONE
        delays = home.events(name, EffectDelayed)
        assert 2 <= len(delays) <= 5  # people hear of it again, less and less often
        assert all(isinstance(one, EffectDelayed) and one.reason for one in delays)
        await supervisor.close()

    play(story)


def test_a_first_release_that_the_proxy_never_took_is_over_with_a_warning() -> None:
    """Its port is taken, say: there is nobody to bring back, and nothing to try for ever."""

    async def story() -> None:
        home = Home()
        supervisor = await home.start()
        home.house.does["apply"] = [Permanent("the port is taken")] * 1_000
        name = await supervisor.submit(wish(ONE))
        await home.until_closed(name, within_s=60.0)
        summary = home.ledger.summary(name)
        assert summary is not None
        assert summary.outcome == "rolled_back"
        assert ONE not in home.house.running
        await supervisor.close()

    play(story)


def test_a_rollback_that_was_held_by_an_earlier_controller_goes_on_by_itself() -> None:
    """Earlier controllers gave up after a few tries, and waited for a person."""

    async def story() -> None:
        home = Home()
        home.house.failing[TWO] = 0.5
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "baking")
        home.house.does["apply"] = ["hang"] * 1_000_000
        await home.until(name, "rolling back")
        actor = supervisor.actor(name)
        assert actor is not None
        pending = next(one for one in actor.state.pending if isinstance(one.effect, SetRouting))
        await supervisor.tell(name, EffectFailed(at=0.0, effect=pending.id, reason="no answer"))
        assert home.phase(name) == "held"
        await supervisor.close()
        home.house.does["apply"].clear()
        supervisor = await home.start()
        await home.until_closed(name)
        assert home.house.routing is not None
        assert home.house.routing.stable == ONE
        await supervisor.close()

    play(story)


# --- the ledger -------------------------------------------------------------------------------------------------------


class Moody(MemoryLedger):
    """Refuses while `mood` is set."""

    mood: LedgerError | None = None

    async def append(
        self, release: str, expected: int, event: AnyEvent, summary: Summary, sample: Sample | None = None
    ) -> Entry:
        if self.mood is not None:
            raise self.mood
        return await super().append(release, expected, event, summary, sample)


@pytest.mark.parametrize("mood", [LedgerFull("no room is left"), LedgerBusy("locked")])
def test_while_the_ledger_refuses_the_release_stands_still_visibly_and_loses_nothing(
    mood: LedgerError,
) -> None:
    async def story() -> None:
        ledger = Moody()
        home = Home(ledger=ledger)
        supervisor = await home.with_one()
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "baking")
        entries = len(ledger.read(name))
        ledger.mood = mood
        await asyncio.sleep(20.0)
        actor = supervisor.actor(name)
        assert actor is not None
        said = f"{mood}; what happens meanwhile is kept beside it"
        assert actor.trouble == said
        assert supervisor.health() == {"open": [name], "trouble": {name: said}}
        assert len(ledger.read(name)) == entries
        ledger.mood = None
        await home.until_closed(name)
        assert home.phase(name) == "promoted"
        assert actor.trouble == ""
        seen = [s for s in ledger.samples(name) if s.canary is not None]
        counted = sum(s.canary.requests for s in seen if s.canary)
        assert counted == pytest.approx(home.house.counters[TWO].requests, abs=800)
        await supervisor.close()

    play(story)


def test_findings_that_cannot_be_written_are_a_failure_with_a_reason() -> None:
    async def story() -> None:
        home = Home(House(gates=(Finding("gate", "pass", "undecodable: \udcff"),)))
        supervisor = await home.start()
        name = await supervisor.submit(wish(ONE))
        await home.until_closed(name)
        failed = home.events(name, EffectFailed)[0]
        assert isinstance(failed, EffectFailed)
        assert "the answer of the gates cannot be recorded" in failed.reason
        await supervisor.close()

    play(story)


def test_a_request_that_cannot_be_written_is_an_error_and_leaves_nothing_behind() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.start()
        with pytest.raises(ValueError, match="ledger"):
            await supervisor.submit(wish(ONE, Rollout(warm_s=float("inf"))))
        await asyncio.sleep(1.0)
        assert supervisor.health() == {"open": [], "trouble": {}}
        assert await supervisor.submit(wish(ONE)) == "r1"
        await supervisor.close()

    play(story)


def test_what_a_person_is_called_and_says_is_made_fit_for_the_ledger() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.start()
        wanted = wish(ONE)
        name = await supervisor.submit(
            type(wanted)(wanted.intents, wanted.policies, "ada \udcff\u202e", "x\x1b")
        )
        await home.until_closed(name)
        asked = home.ledger.read(name)[0].event
        assert isinstance(asked, ReleaseRequested)
        assert (asked.author, asked.reason) == ("ada \ufffd\ufffd", "x\ufffd")
        await supervisor.close()

    play(story)


def test_a_plugins_words_that_no_ledger_can_hold_are_made_plain() -> None:
    async def story() -> None:
        home = Home()
        home.house.does["prepare"] = [Permanent("exit: \udcff")]
        supervisor = await home.start()
        name = await supervisor.submit(wish(ONE))
        await home.until_closed(name)
        summary = home.ledger.summary(name)
        assert summary is not None
        assert summary.reason == "exit: ?"
        await supervisor.close()

    play(story)


# --- the patrol -------------------------------------------------------------------------------------------------------


def test_a_canary_that_is_gone_is_noticed_without_any_request() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        home.house.does["read"] = [Temporary("blind")] * 10_000
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "baking")
        home.house.running[TWO] = 0
        await home.until_closed(name, within_s=20.0)
        assert home.phase(name) == "rolled back"
        assert len(home.events(name, VersionLost)) == 1
        await supervisor.close()

    play(story)


def test_a_stable_that_is_gone_holds_and_is_said_once_a_hold() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.with_one()
        home.house.does["inspect"] = ["hang", RuntimeError("a bug"), Temporary("later")]
        home.house.does["read"] = [Temporary("blind")] * 10_000
        name = await supervisor.submit(wish(TWO))
        await home.until(name, "baking")
        home.house.running[ONE] = 0
        await home.until(name, "held")
        await asyncio.sleep(30.0)
        assert len(home.events(name, VersionLost)) == 1
        await supervisor.tell(name, ReleaseResumed(at=0.0, by="ada"))
        await home.until(name, "held")
        assert len(home.events(name, VersionLost)) == 2
        home.house.running[ONE] = 1
        home.house.does["read"] = []
        await supervisor.tell(name, ReleaseResumed(at=0.0, by="ada"))
        await home.until_closed(name)
        assert home.phase(name) == "promoted"
        await supervisor.close()

    play(story)
