"""Answers of the world: facts that each answer one effect, and carry its identity.

A late or doubled answer is recognised by it.
"""

import msgspec

from headgate.core.model import Applied, Finding, Routing, Verdict, Version

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


class CommandRan(Answer, frozen=True, kw_only=True, tag=True):
    """The command `command` has run with `version`, or its undo has. `note` is for people: how it ended."""

    version: Version
    command: str
    outcome: Applied
    undo: bool = False
    note: str = ""


class TimeCame(Answer, frozen=True, kw_only=True, tag=True):
    """The time an effect asked to be woken at has come."""


class EffectFailed(Answer, frozen=True, kw_only=True, tag=True):
    """An effect could not be carried out, after its bounded retries. `reason` is for people.

    `not_applied`: it is known that nothing was changed. False: part of it, or all of it, may have happened.
    """

    reason: str
    not_applied: bool = False
