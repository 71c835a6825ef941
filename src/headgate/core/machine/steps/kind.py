"""A kind of step: its struct, and the pure functions by which the machine walks through it.

A kind says what it calls for (`work`), what an answer makes of the leg (`answered`), what a verdict on the way means
(`judged`), and how it is undone (`undo`). It decides nothing beyond itself: where a release goes next is the machine's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from headgate.core.machine.answers import Answer
from headgate.core.machine.effects import Effect
from headgate.core.machine.state import Hold, LegState, State
from headgate.core.model import ServiceChange, Verdict

S = TypeVar("S")

Urgency = Literal["traffic", "size", "proof", "schema", "stop"]
"""How soon something is undone: users first, then what carries them, the proof of it, their data, and what is left."""

WAITS_FOR: dict[Urgency, tuple[Urgency, ...]] = {
    "traffic": (),
    "size": (),
    "proof": ("traffic", "size"),
    "schema": ("traffic", "size"),
    "stop": ("traffic",),
}
"""What of a leg is undone before this is begun, in the order in which everything is issued."""


class Undo(NamedTuple):
    """One thing that undoes a step, and how urgent it is. Two steps that need the same share it."""

    urgency: Urgency
    effect: Effect


class TurnBack(NamedTuple):
    """What a step has found makes the release go back."""

    reason: str


Decision = Literal["stay", "done", "again", "unproven"] | Hold | TurnBack
"""Where a step leads.

Nowhere yet, on, to its own beginning, to the plan's policy for what is not proven in time, to a person, or back.
"""


class Answered(NamedTuple):
    """What an answer makes of the leg, and where the step leads. `exposed`: another sample begins with it."""

    here: LegState
    decision: Decision = "stay"
    exposed: bool = False


class Look(NamedTuple):
    """A verdict, as a step sees it.

    `elapsed_s` have passed since the step began, `frozen_s` of them count for nothing; `deadline`: the exact test of
    the deadline has been made. `current`: the verdict is about the exposure in force. `ordered`: a change of traffic is
    with the proxy already; `patience_s` is how long the step may wait for stable to be well.
    """

    verdict: Verdict
    elapsed_s: float
    frozen_s: float
    deadline: bool
    current: bool
    ordered: bool
    patience_s: float


class Limit(NamedTuple):
    """When a step is decided at the latest: a clause with a place for the time, and the time in seconds."""

    clause: str
    seconds: float


def _no_hold(_: object, __: LegState) -> Hold | None:
    return None


def _nothing(_: object, __: ServiceChange, ___: State) -> tuple[Effect, ...]:
    return ()


def _ignored(_: object, __: ServiceChange, state: State, ___: Answer) -> Answered:
    return Answered(state.here())


def _stay(_: object, __: Look) -> Decision:
    return "stay"


def _nothing_to_undo(_: object, __: ServiceChange) -> tuple[Undo, ...]:
    return ()


def _no_time(_: object) -> float:
    return 0.0


def _no_limit(_: object) -> Limit | None:
    return None


def _no_question(_: object) -> str:
    return ""


@dataclass(frozen=True)
class Kind(Generic[S]):
    """One kind of step.

    `phase` is where a release is during it, in a word or two, and `name` the step as people read it.
    `enter` says what keeps it from being begun; `work` which effects it calls for until it is done.
    `answered` takes the answer to one of them, `judged` a verdict while it lasts.
    `undo` is what undoes it once it has begun.
    `least_s` is the least time it takes, in seconds; `limit` when it is decided at the latest, where anything is;
    `finished` is the sentence of a release's story once it is done.
    `asks` is the question that a person answers; `calm`: it waits while stable is in trouble of its own.
    `moves_traffic`: a change of traffic is what it is there for.
    """

    struct: type[S]
    phase: str
    name: Callable[[S], str]
    enter: Callable[[S, LegState], Hold | None] = _no_hold
    work: Callable[[S, ServiceChange, State], tuple[Effect, ...]] = _nothing
    answered: Callable[[S, ServiceChange, State, Answer], Answered] = _ignored
    judged: Callable[[S, Look], Decision] = _stay
    undo: Callable[[S, ServiceChange], tuple[Undo, ...]] = _nothing_to_undo
    least_s: Callable[[S], float] = _no_time
    limit: Callable[[S], Limit | None] = _no_limit
    finished: str = ""
    asks: Callable[[S], str] = _no_question
    calm: bool = False
    moves_traffic: bool = False

    @property
    def orders(self) -> bool:
        """True when it asks the world for anything."""
        return self.work is not _nothing
