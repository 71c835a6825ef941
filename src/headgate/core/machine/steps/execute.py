"""Execute: a command of the project's own makes a change."""

from typing import assert_never

import msgspec

from headgate.core.machine.answers import Answer, CommandRan
from headgate.core.machine.effects import Effect, RunCommand
from headgate.core.machine.state import State
from headgate.core.machine.steps.kind import Answered, Decision, Kind, TurnBack, Undo
from headgate.core.model import Command, ServiceChange


class Execute(msgspec.Struct, frozen=True, tag="execute"):
    """Make the change of a command; what it cannot make, or may have made only in part, turns the release round."""

    command: Command


def _work(step: Execute, change: ServiceChange, _: State) -> tuple[Effect, ...]:
    return (RunCommand(change.candidate, step.command),)


def _answered(step: Execute, change: ServiceChange, state: State, event: Answer) -> Answered:
    """What was not applied has nothing to be undone; of what is unknown, everything is."""
    here = state.here()
    if not isinstance(event, CommandRan):
        return Answered(here)
    if event.outcome == "not_applied":
        nothing = tuple(undo.effect for undo in _undo(step, change))
        here = msgspec.structs.replace(here, undone=(*here.undone, *nothing))
    return Answered(here, _decision(event))


def _decision(event: CommandRan) -> Decision:
    said = f": {event.note}" if event.note else ""
    match event.outcome:
        case "applied":
            return "done"
        case "not_applied":
            return TurnBack(f"the command {event.command} was not carried out{said}")
        case "unknown":
            return TurnBack(f"nobody knows whether the command {event.command} was carried out{said}")
    assert_never(event.outcome)


def _undo(step: Execute, change: ServiceChange) -> tuple[Undo, ...]:
    if not step.command.undo:
        return ()
    return (Undo("schema", RunCommand(change.candidate, step.command, undo=True)),)


def _name(step: Execute) -> str:
    return f"run {step.command.name}"


EXECUTE = Kind(Execute, "running a command", _name, work=_work, answered=_answered, undo=_undo)
