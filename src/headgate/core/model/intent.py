"""An intent: what a person asks for, before the version that runs is known. The input of `core.release.planning`."""

from typing import Literal

import msgspec

from headgate.core.model.change import Command
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.hours import Hours
from headgate.core.model.identity import Unit, Version
from headgate.core.model.placed import HOST
from headgate.core.model.routing import Listener, Match, Sticky
from headgate.core.model.source import Source

StrategyName = Literal["canary", "blue-green", "rolling", "all-at-once"]


class Stage(msgspec.Struct, frozen=True):
    """One line of a rollout as people write it: who reaches the candidate, for how long, and what is asked then.

    `smoke` None runs no smoke test, an empty tuple runs all. `pause` is a question to a person. `deadline_s` None
    leaves the deadline to `core.release.deadlines`. `until` is waited for before anything else.
    """

    weight: int | None = None
    matches: tuple[Match, ...] = ()
    mirror: int = 0
    bake_s: float = 0.0
    deadline_s: float | None = None
    smoke: tuple[str, ...] | None = None
    pause: str | None = None
    until: Hours | None = None


class Rollout(msgspec.Struct, frozen=True):
    """How a unit is moved. `batch` is how many instances `rolling` replaces at a time.

    `soak_s` is the bake after promotion, `warm_s` the rollback window in which the old version stays warm.
    `fresh_baseline`: a canary is compared with instances of the old version that are as new as itself.
    """

    strategy: StrategyName = "canary"
    stages: tuple[Stage, ...] = ()
    batch: int = 1
    soak_s: float = 0.0
    warm_s: float = 600.0
    drain_s: float = 10.0
    sticky: Sticky | None = None
    fresh_baseline: bool = False


class OneWay(msgspec.Struct, frozen=True):
    """What people know of a change and Headgate cannot know: there is no going back from it, for `reason`.

    `after` is a share of the traffic in percent: going back ends with the first step that gives the candidate so much
    or more. None: it ends with the promotion.
    """

    reason: str
    after: int | None = None


class Intent(msgspec.Struct, frozen=True):
    """Move `unit` to `candidate`, this way, judged like this. `sources` and `measured_by` are as in a `Leg`.

    `before` are the commands that are run before the new version starts, `after` those once it has all the traffic.
    `one_way` None: going back is possible at any time. `platform` is as in a `ServiceChange`.
    """

    unit: Unit
    candidate: Version
    listener: Listener
    rollout: Rollout
    judge: JudgeSpec
    instances: int = 1
    label: str = ""
    sources: tuple[Source, ...] = ()
    measured_by: str = ""
    before: tuple[Command, ...] = ()
    after: tuple[Command, ...] = ()
    one_way: OneWay | None = None
    platform: str = HOST
