"""A plan: legs in dependency order, each a change with the steps that carry it out."""

from typing import Literal

import msgspec

from headgate.core.machine.steps import Step
from headgate.core.model.audience import Audience
from headgate.core.model.change import Change
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.identity import Unit, Version
from headgate.core.model.source import Source

OnUnproven = Literal["hold", "roll_back", "promote"]
"""What a bake's deadline does with a verdict that is neither pass nor fail; `promote` is declared and recorded."""

OnSilent = Literal["hold", "roll_back"]
"""What a bake's deadline does with silence: it never promotes."""

ConcurrencyPolicy = Literal["refuse", "queue", "supersede"]


class OneWayStep(msgspec.Struct, frozen=True):
    """The step with index `step` cannot be undone once it has begun, for `reason`.

    `oldest` is the oldest version that works from then on. None: the candidate of the leg.
    """

    step: int
    reason: str
    oldest: Version | None = None


class Leg(msgspec.Struct, frozen=True):
    """One change and the steps that carry it out, watched by `judge`.

    `sources` add to what the proxy measures; `measured_by` names the one whose requests, errors and latencies are
    judged (empty: the proxy's).
    `one_way` are the steps that cannot be undone, in their order; `takes_over` names the frozen release whose traffic
    the leg takes over (empty: none).
    `learn`: stable is watched from the leg's first step on, so that its ways are known before anybody reaches the
    candidate.
    """

    change: Change
    steps: tuple[Step, ...]
    judge: JudgeSpec
    sources: tuple[Source, ...] = ()
    measured_by: str = ""
    one_way: tuple[OneWayStep, ...] = ()
    takes_over: str = ""
    learn: bool = False

    @property
    def unit(self) -> Unit:
        """What the leg moves."""
        return self.change.unit

    @property
    def platform(self) -> str:
        """Where it runs."""
        return self.change.platform


class Plan(msgspec.Struct, frozen=True):
    """What a release will do. `gates` are asked, in parallel, before anything changes.

    `users_first`: on the way back the users of every leg go back at once. False, as in plans of before there was a
    choice: those of a leg wait until the leg after it is undone. A ledger is folded as it was written.
    """

    legs: tuple[Leg, ...]
    gates: tuple[str, ...] = ()
    on_inconclusive: OnUnproven = "hold"
    on_no_data: OnSilent = "hold"
    concurrency: ConcurrencyPolicy = "refuse"
    production: bool = True
    audience: Audience = Audience()
    users_first: bool = False
