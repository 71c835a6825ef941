"""The state of a release: a fold of its events, and nothing else.

Phases, weights, progress and sentences are views computed from it (`core.story.view`), never stored beside it.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from headgate.core.machine.answers import EffectId
from headgate.core.machine.effects import Effect
from headgate.core.model import Routing, Verdict
from headgate.core.model.summary import Outcome

Stage = Literal["new", "queued", "checking", "forward", "reverting", "warm", "closed"]
"""Where a release is: `warm` has succeeded and keeps the old versions for the rollback window."""

HoldKind = Literal[
    "inconclusive", "no_data", "external", "unproven", "illegal", "failed", "unverified", "stable_lost"
]
"""`external`: stable itself is in trouble, and the canary is no worse than it."""

Relief = Literal["", "leaving", "away", "returning"]
"""Where the canary's traffic is while it is taken away to see whether stable recovers without it."""

Progress = Literal["ahead", "begun", "done", "undone"]
"""How far a step has come. What a person skipped counts as begun: it is undone with the others."""

UNEXPOSED = -1
"""The exposure that a sample belongs to while no traffic reaches the canary on purpose."""


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Why nothing moves until a person decides. `blocks` are the effects that failed and are not tried again."""

    kind: HoldKind
    reason: str
    blocks: tuple[Effect, ...] = ()


class Delay(msgspec.Struct, frozen=True, gc=False):
    """Why an effect of going back is not done yet although it is tried on."""

    effect: Effect
    reason: str


class Pending(msgspec.Struct, frozen=True, gc=False):
    """An effect that was asked for and is not answered yet."""

    id: EffectId
    effect: Effect


class Watch(msgspec.Struct, frozen=True, gc=False):
    """The sample under way: it belongs to the Expose step with index `exposure` and closes at `due_at`.

    It began at `since`.
    """

    exposure: int
    due_at: float
    since: float = 0.0


class Begun(msgspec.Struct, frozen=True, gc=False):
    """The one-way step with index `step` has begun, `at` seconds since the epoch: its order is on record."""

    step: int
    at: float


class LegState(msgspec.Struct, frozen=True, gc=False):
    """How far one leg has come.

    `progress` says of each step how far it has come, and `undone` has the effects of going back that were answered.
    `instances` is how many of the candidate are ready and `fresh` of the
    fresh baseline, `routing` what the proxy last confirmed, `exposure` the index of the Expose step in force (-1: none
    yet). Under this exposure a verdict `passed`, or the plan `accepted` to go on without one; `overridden`: a person
    decided against or without the judge.
    `relief` says whether the canary's traffic is away because stable got worse with it, `relieved` that this has been
    tried under this exposure; `tested` is the exposure whose exact test at the deadline has been made, and `placebo`
    the most evidence that stable has had against itself.
    After success: `cooled` (rollback window over), `retired` (the baseline is stopped, or kept for another release),
    `fresh_stopped`.
    `one_way` are the one-way steps that have begun: while there is one, the leg cannot be undone.
    """

    progress: tuple[Progress, ...] = ()
    undone: tuple[Effect, ...] = ()
    instances: int = 0
    routing: Routing | None = None
    exposure: int = UNEXPOSED
    passed: bool = False
    accepted: bool = False
    overridden: bool = False
    relief: Relief = ""
    relieved: bool = False
    tested: int = UNEXPOSED
    verdict: Verdict | None = None
    placebo: float = 1.0
    cooled: bool = False
    retired: bool = False
    fresh: int = 0
    fresh_stopped: bool = False
    one_way: tuple[Begun, ...] = ()

    @property
    def reached(self) -> int:
        """The index of the last step that was begun; -1: none."""
        return max((at for at, progress in enumerate(self.progress) if progress != "ahead"), default=-1)

    @property
    def promotable(self) -> bool:
        """True when there is a reason to promote: a passing verdict, the plan's declared policy, or a person's word."""
        return self.passed or self.accepted or self.overridden

    @property
    def watched(self) -> int:
        """The exposure that a sample which begins now belongs to."""
        return UNEXPOSED if self.relief in ("away", "returning") else self.exposure

    @property
    def frozen(self) -> bool:
        """True while stable is in trouble of its own: the canary's weight must not rise."""
        external = self.verdict is not None and self.verdict.kind == "hold_external"
        return bool(self.relief) or (external and not self.overridden)


class State(msgspec.Struct, frozen=True, gc=False):
    """A release after its event number `sequence`.

    `leg` and `step` are the cursor; `entered_at` is when the step began and `done` whether its own work is finished.
    `frozen_s` is how long of it stable was in trouble of its own, which counts neither for a bake nor for its deadline.
    `unwatched_s` is how long nobody watched since it ended, which does not count for the rollback window.
    `delays` are what going back was last known to wait for; what of it is still tried is in `delayed`.
    `taken_over` names the release that goes forward from here and has the traffic; empty: none has.
    `outcome` is what the release ends as (while reverting: what it will end as), `ended_at` when it did.
    """

    release: str = ""
    sequence: int = 0
    at: float = 0.0
    stage: Stage = "new"
    leg: int = 0
    step: int = 0
    entered_at: float = 0.0
    frozen_s: float = 0.0
    done: bool = False
    legs: tuple[LegState, ...] = ()
    watch: Watch | None = None
    pending: tuple[Pending, ...] = ()
    paused: bool = False
    hold: Hold | None = None
    outcome: Outcome | None = None
    reason: str = ""
    ended_at: float | None = None
    unwatched_s: float = 0.0
    delays: tuple[Delay, ...] = ()
    taken_over: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def in_flight(self) -> bool:
        """True while the release can still move its units: it was requested and has not ended."""
        return self.stage in ("checking", "forward", "reverting")

    @property
    def delayed(self) -> str:
        """Why going back is not done yet although it is tried on; empty: nothing is in its way."""
        tried = [pending.effect for pending in self.pending]
        return "; ".join(dict.fromkeys(one.reason for one in self.delays if one.effect in tried))

    def here(self) -> LegState:
        """The leg under the cursor."""
        return self.legs[self.leg]

    def with_leg(self, leg: LegState, index: int | None = None) -> "State":
        """The state with one leg replaced; the one under the cursor unless `index` says another."""
        return replace(self, legs=self.legs_with(leg, index))

    def legs_with(self, leg: LegState, index: int | None = None) -> tuple[LegState, ...]:
        """The legs with one of them replaced, as `with_leg` has it."""
        at = self.leg if index is None else index
        return (*self.legs[:at], leg, *self.legs[at + 1 :])

    def with_warning(self, warning: str) -> "State":
        """The state with one more thing that people must know and that stops nothing."""
        return replace(self, warnings=(*self.warnings, warning))

    def answered(self, effect: EffectId) -> Effect:
        """The pending effect with this identity. Raises KeyError when there is none."""
        for pending in self.pending:
            if pending.id == effect:
                return pending.effect
        raise KeyError(str(effect))
