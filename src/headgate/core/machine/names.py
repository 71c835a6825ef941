"""The words for facts, stages and effects: no message of the machine names a class."""

from headgate.core.machine import effects as fx
from headgate.core.machine import events as e

WORDS: dict[str, type[e.Request]] = {
    "pause": e.ReleasePaused,
    "resume": e.ReleaseResumed,
    "approve": e.StepApproved,
    "promote": e.PromotionForced,
    "abort": e.ReleaseAborted,
    "lift": e.WayBackOpened,
}
"""What people say to a release, by the verb that they type."""

VERBS: dict[type[e.Event], str] = {kind: verb for verb, kind in WORDS.items()}

FACTS: dict[type[e.Event], str] = {
    e.ReleaseRequested: "a request",
    e.ReleaseDequeued: "its turn in the queue",
    e.GatesAnswered: "the answer of the gates",
    e.VersionPrepared: "a version that is ready",
    e.RoutingSet: "a change of traffic",
    e.Judged: "a verdict",
    e.SmokeTested: "the result of smoke tests",
    e.VersionVerified: "the check of a version",
    e.VersionStopped: "a version that has stopped",
    e.CommandRan: "the end of a command",
    e.TimeCame: "the end of a time",
    e.EffectFailed: "a failure",
    e.EffectDelayed: "a delay of going back",
    e.WatchResumed: "the return of the watch",
    e.VersionLost: "the loss of a version",
    e.ReleaseTakenOver: "a release that goes forward from it",
}
"""Everything else that can happen."""

STAGES = {
    "new": "not asked for yet",
    "queued": "waiting for its turn",
    "checking": "asking its gates",
    "forward": "under way",
    "reverting": "being undone",
    "warm": "promoted",
    "closed": "over",
}
"""Where a release is, as the end of `the release is ...`."""

EFFECTS: dict[type, str] = {
    fx.AskGates: "asking the gates",
    fx.PrepareVersion: "preparing a version",
    fx.SetRouting: "moving traffic",
    fx.Observe: "the watch",
    fx.RunSmoke: "running smoke tests",
    fx.VerifyVersion: "checking a version",
    fx.StopVersion: "stopping a version",
    fx.RunCommand: "running a command",
    fx.WakeAt: "waiting for a time",
}
"""What an effect does, as the beginning of a sentence about it."""


def called(kind: type[e.Event]) -> str:
    """The name of a kind of fact: the command in quotes where a person says it."""
    return f"`{VERBS[kind]}`" if kind in VERBS else FACTS[kind]


# What the machine raises; the state is unchanged whenever it does.


class Illegal(Exception):  # noqa: N818 - the domain's word, as in `except Illegal`
    """The event cannot happen now. The message says what can."""


class Stale(Illegal):
    """An answer to an effect that is no longer pending: late, doubled, or abandoned. It is safe to drop."""
