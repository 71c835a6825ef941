"""The specification: which fact is legal at which stage, and the function that says where it leads."""

from collections.abc import Callable
from typing import Any

from headgate.core.machine import asking, back, effects, events, forward, person, warm
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import Stage, State

ANSWERED_BY: dict[type, type[events.Event]] = {
    effects.AskGates: events.GatesAnswered,
    effects.PrepareVersion: events.VersionPrepared,
    effects.SetRouting: events.RoutingSet,
    effects.Observe: events.Judged,
    effects.RunSmoke: events.SmokeTested,
    effects.VerifyVersion: events.VersionVerified,
    effects.StopVersion: events.VersionStopped,
    effects.RunCommand: events.CommandRan,
    effects.WakeAt: events.TimeCame,
}
"""The fact that answers each effect; any effect but Observe may be answered by EffectFailed instead."""

Transition = Callable[[State, Any, Plan], State]

TRANSITIONS: dict[tuple[Stage, type[events.Event]], Transition] = {
    ("new", events.ReleaseRequested): asking.requested,
    ("queued", events.ReleaseDequeued): asking.dequeued,
    ("queued", events.ReleaseAborted): asking.withdrawn,
    ("checking", events.GatesAnswered): asking.gates_answered,
    ("checking", events.EffectFailed): asking.gates_failed,
    ("checking", events.ReleaseAborted): asking.withdrawn,
    ("forward", events.VersionPrepared): forward.answered,
    ("forward", events.RoutingSet): forward.answered,
    ("forward", events.SmokeTested): forward.answered,
    ("forward", events.CommandRan): forward.answered,
    ("forward", events.TimeCame): forward.answered,
    ("forward", events.Judged): forward.judged,
    ("forward", events.EffectFailed): forward.failed,
    ("forward", events.VersionLost): forward.lost,
    ("forward", events.WatchResumed): forward.watch_resumed,
    ("forward", events.ReleasePaused): person.paused,
    ("forward", events.ReleaseResumed): person.resumed,
    ("forward", events.StepApproved): person.approved,
    ("forward", events.PromotionForced): person.forced,
    ("forward", events.ReleaseAborted): person.aborted,
    ("forward", events.WayBackOpened): person.way_back_opened,
    ("forward", events.ReleaseTakenOver): back.taken_over,
    ("reverting", events.RoutingSet): back.answered,
    ("reverting", events.VersionPrepared): back.answered,
    ("reverting", events.VersionVerified): back.verified,
    ("reverting", events.VersionStopped): back.answered,
    ("reverting", events.CommandRan): back.executed,
    ("reverting", events.EffectDelayed): back.delayed,
    ("reverting", events.EffectFailed): back.failed,
    ("reverting", events.ReleaseResumed): back.resumed,
    ("reverting", events.ReleaseAborted): back.accepted,
    ("warm", events.WatchResumed): warm.watch_resumed,
    ("warm", events.TimeCame): warm.cooled,
    ("warm", events.VersionStopped): warm.stopped,
    ("warm", events.EffectFailed): warm.failed,
}

LEAVES: dict[tuple[Stage, type[events.Event]], tuple[Stage, ...]] = {
    ("new", events.ReleaseRequested): ("queued", "checking", "closed"),
    ("queued", events.ReleaseDequeued): ("checking", "closed"),
    ("queued", events.ReleaseAborted): ("closed",),
    ("checking", events.GatesAnswered): ("forward", "closed"),
    ("checking", events.EffectFailed): ("closed",),
    ("checking", events.ReleaseAborted): ("closed",),
    ("forward", events.RoutingSet): ("warm", "closed"),
    ("forward", events.SmokeTested): ("reverting",),
    ("forward", events.CommandRan): ("warm", "closed", "reverting"),
    ("forward", events.Judged): ("reverting",),
    ("forward", events.EffectFailed): ("reverting",),
    ("forward", events.VersionLost): ("reverting",),
    ("forward", events.ReleaseResumed): ("warm", "closed"),
    ("forward", events.ReleaseAborted): ("reverting",),
    ("forward", events.ReleaseTakenOver): ("reverting",),
    ("reverting", events.VersionPrepared): ("closed",),
    ("reverting", events.VersionVerified): ("closed",),
    ("reverting", events.VersionStopped): ("closed",),
    ("reverting", events.CommandRan): ("closed",),
    ("reverting", events.EffectFailed): ("closed",),
    ("reverting", events.ReleaseAborted): ("closed",),
    ("warm", events.VersionStopped): ("closed",),
    ("warm", events.EffectFailed): ("closed",),
}
"""The other stages that a fact may lead to; without a row, the release stays where it is. Nothing leaves `closed`."""
