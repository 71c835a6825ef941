"""What the judge, its planner and its pages must know of a kind of criterion, as one value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from headgate.core.judge.evidence.mirror import Harm
from headgate.core.judge.traffic import Workload
from headgate.core.judge.verdict.reading import Reading
from headgate.core.judge.verdict.way import Watched
from headgate.core.model.criteria import AnyCriterion, JudgeSpec
from headgate.core.model.sample import Arm

# What an interval has of each arm, and which of them are compared.


class Arms(NamedTuple):
    """`fresh` is the part of stable that is as new as the canary, which is then compared with it alone.

    Stable as a whole is still what its ways are learnt from, and what may be in trouble of its own.
    """

    stable: Arm
    canary: Arm
    fresh: Arm | None = None

    @property
    def beside(self) -> Arm:
        """What the canary is compared with."""
        return self.stable if self.fresh is None else self.fresh


State = TypeVar("State")


@dataclass(frozen=True)
class MetricKind(Generic[AnyCriterion, State]):
    """The functions of one kind of criterion; `State` is what it remembers of a leg's samples.

    `start`: nothing seen yet. `enter`: a new step; the number is the share of the users that the step after it exposes.
    `observe`: one more interval, of so many seconds. `read`: what is to be said of it now.
    `words`: what is asked, a sentence each. `wrong`: why the criterion makes no sense, or nothing.
    `unlearnt`: what of stable must still be seen before a switch of all traffic, as a clause; `learning_n`: how many
    requests of stable that takes. `harmed`: how many requests of one arm in one interval went badly, at least.
    `ways`: how it finds a fault, for the planner; `unknown`: what of it cannot be foretold for want of a measured
    workload; `proof`: the signal by which a good version proves itself, with the harm to be ruled out.
    `least_s`: how many seconds a step takes at least until it can pass, whatever the traffic.
    `counts_failures`: it looks at stable also where that fails most of its requests, which is no measure of the others.
    """

    start: Callable[[JudgeSpec, AnyCriterion], State]
    enter: Callable[[State, float], State]
    observe: Callable[[JudgeSpec, AnyCriterion, State, Arms, float], State]
    read: Callable[[JudgeSpec, AnyCriterion, State], tuple[Reading, ...]]
    words: Callable[[AnyCriterion], tuple[str, ...]]
    wrong: Callable[[AnyCriterion], str]
    unlearnt: Callable[[AnyCriterion, State], str]
    learning_n: Callable[[AnyCriterion], int]
    harmed: Callable[[AnyCriterion, Arm], int]
    ways: Callable[[JudgeSpec, AnyCriterion, Workload], list[Watched]]
    unknown: Callable[[AnyCriterion, Workload], tuple[str, ...]]
    proof: Callable[[JudgeSpec, AnyCriterion], tuple[str, Harm | None] | None]
    least_s: Callable[[AnyCriterion], float] = lambda _: 0.0
    counts_failures: bool = False


def still_to_see(noun: str, n: float, enough: int, unit: str = "requests") -> str:
    """A clause while stable has been seen less than `enough` times; empty then."""
    return "" if n >= enough else f"{noun}: {n:.0f} of {enough} {unit} of stable seen"
