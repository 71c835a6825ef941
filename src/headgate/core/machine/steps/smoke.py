"""Smoke: checks run against the candidate directly."""

import msgspec

from headgate.core.machine.answers import Answer, SmokeTested
from headgate.core.machine.effects import Effect, RunSmoke
from headgate.core.machine.state import State
from headgate.core.machine.steps.kind import Answered, Kind, TurnBack
from headgate.core.model import ServiceChange, in_words, worst


class Smoke(msgspec.Struct, frozen=True, tag="smoke"):
    """Run the named smoke tests (all of them when empty) against the candidate directly."""

    names: tuple[str, ...] = ()


def _work(step: Smoke, change: ServiceChange, _: State) -> tuple[Effect, ...]:
    return (RunSmoke(change.candidate, step.names),)


def _answered(_: Smoke, __: ServiceChange, state: State, event: Answer) -> Answered:
    """A smoke test that cannot be run has not passed."""
    if not isinstance(event, SmokeTested):
        return Answered(state.here())
    if worst(event.findings) in ("fail", "unknown"):
        return Answered(state.here(), TurnBack(f"smoke test failed: {in_words(event.findings)}"))
    return Answered(state.here(), "done")


def _name(step: Smoke) -> str:
    return f"smoke test {', '.join(step.names)}".rstrip()


SMOKE = Kind(Smoke, "smoke-testing", _name, work=_work, answered=_answered)
