"""Commands of the project's own as steps: what they lead to, how they are undone, and what a person may do without."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from headgate.core.machine.answers import CommandRan
from headgate.core.machine.effects import (
    AskGates,
    PrepareVersion,
    RunCommand,
    SetRouting,
    StopVersion,
    VerifyVersion,
)
from headgate.core.machine.events import ReleaseAborted, ReleaseResumed
from headgate.core.machine.names import Illegal
from headgate.core.machine.one_way import objection_to_revert
from headgate.core.machine.plan import OneWayStep
from headgate.core.machine.steps import Bake, Execute, Expose, Prepare, Promote, Step
from headgate.core.model import Applied, Command
from tests.core.ride import Ride, leg, plan_of

EXPAND = Command("expand", ("do",), ("ask",), ("undo",))
FILL = Command("fill", ("do",), undo=("undo",))
PURGE = Command("purge", ("do",))

STEPS: tuple[Step, ...] = (
    Execute(EXPAND),
    Execute(FILL),
    Prepare(2),
    Expose(100),
    Bake(0.0, 9.0),
    Promote(),
    Execute(PURGE),
)


def ran(ride: Ride, outcome: Applied, note: str = "") -> Ride:
    """The command that is under way has ended."""
    id_, effect = ride.pending(RunCommand)
    return ride.tell(
        CommandRan(
            at=ride.state.at,
            effect=id_,
            version=effect.version,
            command=effect.command.name,
            outcome=outcome,
            undo=effect.undo,
            note=note,
        )
    )


def begun() -> Ride:
    return Ride(plan_of(leg(STEPS))).succeed(AskGates)


def commands(ride: Ride) -> list[tuple[str, bool]]:
    found = [one.effect for one in ride.state.pending if isinstance(one.effect, RunCommand)]
    return [(effect.command.name, effect.undo) for effect in found]


def test_commands_run_before_the_first_step_and_after_the_last() -> None:
    ride = begun()
    assert ride.effects() == ["RunCommand"]
    ran(ran(ride, "applied"), "applied").succeed(PrepareVersion).succeed(SetRouting).judge("pass", "pass")
    ride.succeed(SetRouting)
    assert (ride.state.stage, commands(ride)) == ("forward", [("purge", False)])
    assert ran(ride, "applied").state.outcome == "promoted"


def test_what_was_not_applied_has_nothing_to_be_undone() -> None:
    ride = ran(begun(), "not_applied", "exit status 3")
    assert (ride.state.stage, ride.state.outcome) == ("closed", "rolled_back")
    assert ride.state.reason == "the command expand was not carried out: exit status 3"


def test_what_nobody_knows_of_is_undone() -> None:
    ride = ran(begun(), "unknown")
    assert commands(ride) == [("expand", True)]
    assert ran(ride, "applied").state.outcome == "rolled_back"


def test_data_is_undone_after_traffic_and_one_by_one_the_last_change_first() -> None:
    ride = ran(ran(begun(), "applied"), "applied").succeed(PrepareVersion).succeed(SetRouting).judge("fail")
    assert ride.effects() == ["SetRouting"]
    ride.succeed(SetRouting)
    assert ride.effects() == ["VerifyVersion", "RunCommand", "StopVersion"]
    assert commands(ride) == [("fill", True)]
    assert commands(ran(ride, "applied")) == [("expand", True)]
    ran(ride, "applied").succeed(VerifyVersion).succeed(StopVersion)
    assert (ride.state.stage, ride.state.here().progress[:4]) == ("closed", ("undone",) * 4)


def test_a_command_after_the_promotion_that_fails_brings_everybody_back() -> None:
    ride = ran(ran(begun(), "applied"), "applied").succeed(PrepareVersion).succeed(SetRouting)
    ride.judge("pass", "pass").succeed(SetRouting)
    ran(ride, "not_applied")
    assert (ride.state.stage, ride.effects()) == ("reverting", ["SetRouting"])


@pytest.mark.parametrize("turned_by", ["a person", "a verdict"])
def test_a_command_under_way_that_nothing_undoes_is_said_to_run_on(turned_by: str) -> None:
    ride = ran(ran(begun(), "applied"), "applied").succeed(PrepareVersion).succeed(SetRouting)
    ride.judge("pass", "pass").succeed(SetRouting)
    assert commands(ride) == [("purge", False)]
    abort = ReleaseAborted(at=ride.state.at, by="ada")
    ride = ride.tell(abort) if turned_by == "a person" else ride.judge("fail")
    assert ride.state.stage == "reverting"
    assert ride.state.warnings == (
        "the command purge was under way: it runs to its end, and nothing undoes it",
    )


def test_a_command_that_has_an_undo_or_has_ended_does_not_run_on() -> None:
    assert begun().tell(ReleaseAborted(at=0.0, by="ada")).state.warnings == ()
    ride = ran(Ride(plan_of(leg((Execute(PURGE), *STEPS[2:6])))).succeed(AskGates), "unknown")
    assert (ride.state.outcome, ride.state.warnings) == ("rolled_back", ())


@pytest.mark.parametrize("outcome", ["not_applied", "unknown"])
def test_what_cannot_be_undone_waits_for_a_person_who_tries_again_or_does_without(outcome: Applied) -> None:
    ride = ran(ran(begun(), "unknown"), outcome, "the table is locked")
    hold = ride.state.hold
    assert hold is not None
    assert hold.reason == "what the command expand had changed is not undone: the table is locked"
    assert commands(ride) == []
    assert commands(ride.tell(ReleaseResumed(at=0.0, by="ada"))) == [("expand", True)]
    with pytest.raises(Illegal, match="being undone already"):
        ride.tell(ReleaseAborted(at=0.0, by="ada"))
    ran(ride, outcome).tell(ReleaseAborted(at=0.0, by="ada"))
    assert (ride.state.stage, ride.state.outcome) == ("closed", "rolled_back")
    assert "is not undone" in ride.state.warnings[0]


def test_a_command_that_nothing_undoes_is_a_step_of_no_return_until_it_is_known_not_to_have_happened() -> (
    None
):
    drop = Command("drop", ("do",), ("ask",), one_way="the column is gone")
    plain = leg((Execute(drop), *STEPS[2:6]))
    way = replace(plain, one_way=(OneWayStep(0, drop.one_way),))
    ride = Ride(plan_of(way)).succeed(AskGates)
    assert (
        objection_to_revert(ride.state, ride.plan.legs)
        == "going back to before r1 is illegal: the column is gone"
    )
    assert ran(ride, "not_applied").state.outcome == "rolled_back"
    ride = ran(Ride(plan_of(way)).succeed(AskGates), "unknown")
    hold = ride.state.hold
    assert hold is not None
    assert (ride.state.stage, hold.kind) == ("forward", "illegal")
