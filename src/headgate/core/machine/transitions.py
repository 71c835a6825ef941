"""The specification: which fact is legal at which stage, and the function that says where it leads."""

from collections.abc import Callable
from typing import Any

from headgate.core import effects, events
from headgate.core.machine import asking, back, forward, person, warm
from headgate.core.model import Plan
from headgate.core.state import Stage, State

ANSWERED_BY: dict[type, type[events.Event]] = {
    effects.AskGates: events.GatesAnswered,
    effects.PrepareVersion: events.VersionPrepared,
    effects.SetRouting: events.RoutingSet,
    effects.Observe: events.Judged,
    effects.RunSmoke: events.SmokeTested,
    effects.VerifyVersion: events.VersionVerified,
    effects.StopVersion: events.VersionStopped,
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
    ("forward", events.VersionPrepared): forward.prepared,
    ("forward", events.RoutingSet): forward.routed,
    ("forward", events.Judged): forward.judged,
    ("forward", events.SmokeTested): forward.smoke_tested,
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
    ("reverting", events.RoutingSet): back.routed,
    ("reverting", events.VersionPrepared): back.resized,
    ("reverting", events.VersionVerified): back.verified,
    ("reverting", events.VersionStopped): back.stopped,
    ("reverting", events.EffectDelayed): back.delayed,
    ("reverting", events.EffectFailed): back.failed,
    ("reverting", events.ReleaseResumed): back.resumed,
    ("reverting", events.ReleaseAborted): back.accepted,
    ("warm", events.WatchResumed): warm.watch_resumed,
    ("warm", events.TimeCame): warm.cooled,
    ("warm", events.VersionStopped): warm.stopped,
    ("warm", events.EffectFailed): warm.failed,
}
