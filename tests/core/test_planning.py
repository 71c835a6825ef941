"""What the ledger's answers do to a wish: plans, objections, ways back, and what must be kept."""

from headgate.core.machine.effects import PrepareVersion, SetRouting, StopVersion, VerifyVersion, WakeAt
from headgate.core.machine.plan import ConcurrencyPolicy
from headgate.core.model import Finding, Intent, Listener, Rollout, StrategyName, Version
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.admission import Known, Words, objections
from headgate.core.release.need import need
from headgate.core.release.planning import Policies, plan
from tests.core.ride import NEW, NEW_API, OLD, OLD_API, WEB, Ride, leg, plan_of, version


def intent(candidate: Version = NEW, strategy: StrategyName = "canary") -> Intent:
    return Intent(candidate.unit, candidate, Listener(8000), Rollout(strategy), JudgeSpec())


def test_a_plan_goes_from_what_runs_to_what_is_asked_by_the_environments_rules() -> None:
    policies = Policies(gates=("ready",), on_inconclusive="roll_back", concurrency="queue")
    drawn = plan((intent(), intent(NEW_API)), {OLD.unit: OLD}, policies)
    assert [(leg.change.baseline, leg.change.candidate) for leg in drawn.legs] == [
        (OLD, NEW),
        (None, NEW_API),
    ]
    assert (drawn.gates, drawn.on_inconclusive, drawn.concurrency) == (("ready",), "roll_back", "queue")


# --- admission --------------------------------------------------------------------------------------------------------


NO_WORDS = Words()


def answers(
    known: Known,
    words: Words = NO_WORDS,
    wish: Intent | None = None,
    concurrency: ConcurrencyPolicy = "refuse",
    *,
    production: bool = True,
    first: bool = False,
) -> dict[str, str]:
    wish = wish or intent()
    drawn = plan(
        (wish,), {} if first else {OLD.unit: OLD}, Policies(concurrency=concurrency, production=production)
    )
    return {finding.check: finding.answer for finding in objections((wish,), drawn, known, words)}


NOTHING = Known({}, ())
BUSY = Known({WEB: "r7"}, ())
UNDONE = Known({}, {(WEB, NEW.artifact)}, {NEW})


def test_nothing_speaks_against_a_plain_release() -> None:
    assert answers(NOTHING) == {}


def test_one_release_at_a_time() -> None:
    assert answers(BUSY) == {"one release at a time": "fail"}
    assert answers(BUSY, concurrency="queue") == {}
    assert answers(BUSY, concurrency="supersede") == {}


def refusal(known: Known, wish: Intent) -> Finding:
    drawn = plan((wish,), {OLD.unit: OLD}, Policies(concurrency="refuse"))
    (finding,) = objections((wish,), drawn, known, NO_WORDS)
    return finding


def test_a_refusal_names_the_ways_on() -> None:
    hint = refusal(BUSY, intent()).hint
    assert "`headgate resume r7`" in hint
    assert "`headgate abort r7`" in hint


def test_another_configuration_of_what_was_rolled_back_may_come_and_is_called_what_it_is() -> None:
    assert "nothing has changed since" in refusal(UNDONE, intent()).evidence
    other = refusal(UNDONE, intent(Version(NEW.unit, NEW.artifact, "e" * 64)))
    assert other.answer == "warn"
    assert "its configuration is another now" in other.evidence
    assert "nothing has changed" not in other.evidence


def test_a_frozen_unit_changes_only_with_a_reason() -> None:
    cold = Known({}, (), frozen={WEB: "f1, by ada: holidays"})
    assert answers(cold) == {"no freeze": "fail"}
    assert "f1, by ada: holidays" in refusal(cold, intent()).evidence
    assert answers(cold, Words(break_glass="it leaks")) == {"no freeze": "warn"}


def test_what_was_rolled_back_needs_a_reason_to_be_tried_again() -> None:
    assert answers(UNDONE) == {"not rolled back before": "fail"}
    assert answers(UNDONE, Words(retry="  ")) == {"not rolled back before": "fail"}
    assert answers(UNDONE, Words(retry="the database is back")) == {"not rolled back before": "warn"}


def test_production_is_not_switched_all_at_once_without_a_reason() -> None:
    wish = intent(strategy="all-at-once")
    assert answers(NOTHING, wish=wish) == {"gradual exposure": "fail"}
    assert answers(NOTHING, Words(break_glass="fire"), wish) == {"gradual exposure": "warn"}
    assert answers(NOTHING, wish=wish, production=False) == {}
    assert answers(NOTHING, wish=wish, first=True) == {}


def test_something_must_change() -> None:
    assert answers(NOTHING, wish=intent(OLD)) == {"something changes": "fail"}


# --- what must be kept ------------------------------------------------------------------------------------------------


def test_a_release_needs_what_it_moves_and_nothing_before_it_has_begun() -> None:
    ride = Ride(plan_of(leg(), leg(baseline=OLD_API, candidate=NEW_API)))
    assert not any(need(ride.state, ride.plan, v) for v in (OLD, NEW, OLD_API, NEW_API))
    ride.to_exposed()
    assert need(ride.state, ride.plan, NEW) == need(ride.state, ride.plan, OLD).replace(f"{OLD}", f"{NEW}")
    assert not need(ride.state, ride.plan, NEW_API)
    assert not need(ride.state, ride.plan, version("f"))


def test_what_is_to_be_stopped_on_the_way_back_is_not_needed_and_the_baseline_is() -> None:
    ride = Ride().to_reverting()
    assert need(ride.state, ride.plan, NEW)
    ride.succeed(SetRouting)
    assert not need(ride.state, ride.plan, NEW)
    assert need(ride.state, ride.plan, OLD)
    ride.succeed(VerifyVersion).succeed(StopVersion)
    assert not need(ride.state, ride.plan, OLD)


def test_the_old_version_is_needed_for_the_rollback_window() -> None:
    ride = Ride().to_warm()
    assert need(ride.state, ride.plan, OLD) == f"r1 keeps {OLD} warm"
    assert not need(ride.state, ride.plan, NEW)
    ride.succeed(WakeAt)
    assert not need(ride.state, ride.plan, OLD)


def test_effects_say_how_many() -> None:
    assert Ride().effects() == ["AskGates"]
    assert Ride().to_exposed().issued[1].effect == PrepareVersion(NEW, 2)
