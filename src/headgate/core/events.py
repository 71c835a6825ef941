"""What happened: facts, past tense, the only thing the ledger holds. Each is stamped with `at` by whoever saw it.

Facts that answer an effect carry the effect's identity, so that a late or doubled answer is recognised.
"""

import msgspec

from headgate.core.model import Finding, Intent, Plan, Routing, Verdict, Version

STAMPED_LATER = 0.0
"""The time of an event on its way to the actor, which gives it its time when it takes it in."""


class EffectId(msgspec.Struct, frozen=True, order=True, gc=False):
    """The identity of an effect: the `n`th that the event with number `sequence` of `release` caused."""

    release: str
    sequence: int
    n: int

    def __str__(self) -> str:
        """`release.sequence.n`."""
        return f"{self.release}.{self.sequence}.{self.n}"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact about one release. `at` is in seconds since the epoch and never falls within a release."""

    at: float


class Answer(Event, frozen=True, kw_only=True):
    """A fact that answers the effect `effect`."""

    effect: EffectId


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


# --- what the world answered ---------------------------------------------------------------------------------------


class GatesAnswered(Answer, frozen=True, kw_only=True, tag=True):
    """Every gate has answered, or is unknown."""

    findings: tuple[Finding, ...]


class VersionPrepared(Answer, frozen=True, kw_only=True, tag=True):
    """`version` runs with `instances` instances, all of them ready."""

    version: Version
    instances: int


class RoutingSet(Answer, frozen=True, kw_only=True, tag=True):
    """The proxy confirmed that it routes like this."""

    routing: Routing


class Judged(Answer, frozen=True, kw_only=True, tag=True):
    """An interval was sampled and judged. `sample` is the SHA-256 of the sample stored beside the ledger.

    `requests` and `errors` are the interval's (stable, canary); `harmed` is how many canary requests went badly.
    `deadline`: it was the last sample before the step's deadline, and the verdict rests on the exact test too.
    """

    verdict: Verdict
    sample: str
    requests: tuple[int, int] = (0, 0)
    errors: tuple[int, int] = (0, 0)
    harmed: int = 0
    deadline: bool = False


class SmokeTested(Answer, frozen=True, kw_only=True, tag=True):
    """The smoke tests have run against `version`."""

    version: Version
    findings: tuple[Finding, ...]


class VersionVerified(Answer, frozen=True, kw_only=True, tag=True):
    """Probes and smoke tests have run against the version that traffic went back to."""

    version: Version
    findings: tuple[Finding, ...]


class VersionStopped(Answer, frozen=True, kw_only=True, tag=True):
    """`version` was drained and stopped; `kept` says why it was left running instead, if it was."""

    version: Version
    kept: str = ""


class TimeCame(Answer, frozen=True, kw_only=True, tag=True):
    """The time an effect asked to be woken at has come."""


class EffectFailed(Answer, frozen=True, kw_only=True, tag=True):
    """An effect could not be carried out, after its bounded retries. `reason` is for people.

    `not_applied`: it is known that nothing was changed. False: part of it, or all of it, may have happened.
    """

    reason: str
    not_applied: bool = False


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
    | TimeCame
    | EffectFailed
    | EffectDelayed
    | WatchResumed
    | VersionLost
)
