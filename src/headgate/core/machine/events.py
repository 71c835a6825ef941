"""Events: facts in the past tense, the only thing the ledger holds. Each is stamped with `at` by whoever saw it.

Facts that answer an effect are in `core.machine.answers`, and are named here with all the others.
"""

from headgate.core.machine.answers import (
    STAMPED_LATER,
    Answer,
    CommandRan,
    EffectFailed,
    EffectId,
    Event,
    GatesAnswered,
    Judged,
    RoutingSet,
    SmokeTested,
    TimeCame,
    VersionPrepared,
    VersionStopped,
    VersionVerified,
)
from headgate.core.machine.plan import Plan
from headgate.core.model import Finding, Intent, Version

__all__ = [
    "STAMPED_LATER",
    "Answer",
    "AnyEvent",
    "CommandRan",
    "EffectDelayed",
    "EffectFailed",
    "EffectId",
    "Event",
    "GatesAnswered",
    "Judged",
    "PromotionForced",
    "ReleaseAborted",
    "ReleaseDequeued",
    "ReleasePaused",
    "ReleaseRequested",
    "ReleaseResumed",
    "ReleaseTakenOver",
    "Request",
    "RoutingSet",
    "SmokeTested",
    "StepApproved",
    "TimeCame",
    "VersionLost",
    "VersionPrepared",
    "VersionStopped",
    "VersionVerified",
    "WatchResumed",
    "WayBackOpened",
]


# --- what people asked ---------------------------------------------------------------------------------------------


class ReleaseRequested(Event, frozen=True, kw_only=True, tag=True):
    """A release was asked for. `plan` was made from `intents`; `behind` names the release it queues behind."""

    release: str
    intents: tuple[Intent, ...]
    plan: Plan
    author: str
    reason: str = ""
    behind: str | None = None
    retry_reason: str = ""
    break_glass_reason: str = ""
    objections: tuple[Finding, ...] = ()
    rollback_to: str | None = None


class ReleaseDequeued(Event, frozen=True, kw_only=True, tag=True):
    """The release before this one has ended; `plan` is made anew from what runs now, and so are the `objections`."""

    plan: Plan
    objections: tuple[Finding, ...] = ()


class ReleasePaused(Event, frozen=True, kw_only=True, tag=True):
    """A person asked to move no further; the watch goes on."""

    by: str
    reason: str = ""


class ReleaseResumed(Event, frozen=True, kw_only=True, tag=True):
    """A person lifted a pause or a hold: the present step begins again."""

    by: str
    reason: str = ""


class StepApproved(Event, frozen=True, kw_only=True, tag=True):
    """A person answered yes to the step that waits for one."""

    by: str
    reason: str = ""


class PromotionForced(Event, frozen=True, kw_only=True, tag=True):
    """A person overrode the judge and promoted; the reason is not optional."""

    by: str
    reason: str


class ReleaseAborted(Event, frozen=True, kw_only=True, tag=True):
    """A person asked to undo the release."""

    by: str
    reason: str = ""


class WayBackOpened(Event, frozen=True, kw_only=True, tag=True):
    """A person said that the release can be undone again, although a one-way step has begun.

    The reason is not optional.
    """

    by: str
    reason: str


class ReleaseTakenOver(Event, frozen=True, kw_only=True, tag=True):
    """The release `into` goes forward from where this frozen one stands, and has its traffic now."""

    into: str


# --- what was seen ---------------------------------------------------------------------------------------------------


class EffectDelayed(Event, frozen=True, kw_only=True, tag=True):
    """An effect of going back is not done after `attempts` tries, and is tried on until it is. `reason` is for people.

    It answers nothing: the effect stays pending.
    """

    effect: EffectId
    reason: str
    attempts: int


class WatchResumed(Event, frozen=True, kw_only=True, tag=True):
    """A controller carries on with a release that nobody watched for `unwatched_s` seconds, by the clock.

    That time counts for nothing: neither for a bake nor for the rollback window. Nobody saw it, and the clock may have
    jumped.
    """

    unwatched_s: float


class VersionLost(Event, frozen=True, kw_only=True, tag=True):
    """A version that has traffic is no longer healthy and its restarts did not help."""

    version: Version
    reason: str


Request = ReleasePaused | ReleaseResumed | StepApproved | PromotionForced | ReleaseAborted | WayBackOpened
AnyEvent = (
    ReleaseRequested
    | ReleaseDequeued
    | ReleasePaused
    | ReleaseResumed
    | StepApproved
    | PromotionForced
    | ReleaseAborted
    | WayBackOpened
    | ReleaseTakenOver
    | GatesAnswered
    | VersionPrepared
    | RoutingSet
    | Judged
    | SmokeTested
    | VersionVerified
    | VersionStopped
    | CommandRan
    | TimeCame
    | EffectFailed
    | EffectDelayed
    | WatchResumed
    | VersionLost
)
