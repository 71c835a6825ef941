"""A plan: legs in dependency order, each carrying one change through its steps."""

from typing import Literal

import msgspec

from headgate.core.criteria import JudgeSpec
from headgate.core.model.audience import Audience
from headgate.core.model.identity import Unit, Version
from headgate.core.model.placed import HOST
from headgate.core.model.routing import Listener, Sticky
from headgate.core.model.source import Source
from headgate.core.model.step import Step

OnUnproven = Literal["hold", "roll_back", "promote"]
"""What a bake's deadline does with a verdict that is neither pass nor fail; `promote` is declared and recorded."""

OnSilent = Literal["hold", "roll_back"]
"""What a bake's deadline does with silence: it never promotes."""

ConcurrencyPolicy = Literal["refuse", "queue", "supersede"]


class Leg(msgspec.Struct, frozen=True):
    """One unit's way from `baseline` to `candidate`.

    `instances` is the full size of either version, `baseline_instances` what the baseline had before (None: as many);
    `warm_s` is how long the baseline stays warm after success;
    `drain_s` is how long a version that lost its traffic may finish its requests.
    `listener` is where the candidate shall be reached, `baseline_listener` where the baseline is (None: there too); the
    users' port changes with the promotion only.
    `sources` add to what the proxy measures; `measured_by` names the one whose requests, errors and latencies are
    judged (empty: the proxy's).
    Once the step with index `one_way_after` is complete, going back is illegal, for `one_way_reason`.
    `learn`: stable is watched from the leg's first step on, so that its ways are known before anybody reaches the
    candidate.
    `fresh` is the baseline once more, as large as the candidate and started with it: in the steps that divide the
    traffic it has as much of it, and the candidate is compared with it alone. None: with the baseline as it runs.
    `platform` is the name of the plugin that runs the unit, moves its traffic and measures it.
    """

    unit: Unit
    candidate: Version
    baseline: Version | None
    steps: tuple[Step, ...]
    listener: Listener
    judge: JudgeSpec
    instances: int = 1
    sticky: Sticky | None = None
    warm_s: float = 600.0
    drain_s: float = 10.0
    baseline_listener: Listener | None = None
    sources: tuple[Source, ...] = ()
    measured_by: str = ""
    one_way_after: int | None = None
    one_way_reason: str = ""
    learn: bool = False
    fresh: Version | None = None
    baseline_instances: int | None = None
    platform: str = HOST

    @property
    def adjusts(self) -> bool:
        """True when the version stays, and only what is around it becomes another: its size, its listener."""
        return self.baseline == self.candidate

    @property
    def size_before(self) -> int:
        """How many instances the baseline has again once the leg is undone."""
        return self.instances if self.baseline_instances is None else self.baseline_instances


class Plan(msgspec.Struct, frozen=True):
    """What a release will do. `gates` are asked, in parallel, before anything changes."""

    legs: tuple[Leg, ...]
    gates: tuple[str, ...] = ()
    on_inconclusive: OnUnproven = "hold"
    on_no_data: OnSilent = "hold"
    concurrency: ConcurrencyPolicy = "refuse"
    production: bool = True
    audience: Audience = Audience()
