"""Barriers: what an irreversible step leaves behind, for as long as it holds, and which versions it keeps out.

A barrier is folded from the ledger like a freeze: from the releases that have begun a one-way step, and from the facts
of the home that lift it. It outlives its release. It is over

* when a person lifts it with a reason: a word to its release while that is under way, a fact of the home afterwards;
* when the order of its step was answered with "not applied": then it never was.
"""

from collections.abc import Iterable, Sequence

import msgspec

from headgate.core.home.facts import Home
from headgate.core.machine.one_way import sentence
from headgate.core.model import Unit, Version
from headgate.core.model.summary import Summary


class Barrier(msgspec.Struct, frozen=True):
    """Nothing older than `oldest` may run of `unit` since `at` (seconds since the epoch), for `reason`.

    `release` has begun a step that cannot be undone; `under_way`: it has not ended.
    """

    unit: Unit
    release: str
    reason: str
    at: float
    oldest: Version
    under_way: bool = False

    def sentence(self) -> str:
        """What whoever would go back reads."""
        return sentence(self.release, self.reason)


def barriers(summaries: Iterable[Summary], home: Home) -> tuple[Barrier, ...]:
    """The barriers that stand, the newest first, given all releases, newest first."""
    return tuple(one for one in ever(summaries) if (one.unit, one.release) not in home.lifted)


def ever(summaries: Iterable[Summary]) -> tuple[Barrier, ...]:
    """Every barrier that there was, lifted or not, the newest first."""
    return tuple(
        Barrier(move.unit, one.release, barred.reason, barred.at, barred.oldest, one.outcome is None)
        for one in summaries
        for move in one.moves
        for barred in reversed(move.barred)
    )


def in_the_way(version: Version, known: Iterable[Barrier], summaries: Sequence[Summary]) -> Barrier | None:
    """The newest barrier that keeps `version` out; None: it may run. `summaries` are all releases, newest first."""
    of_unit = (one for one in known if one.unit == version.unit)
    return next((one for one in of_unit if is_older(version, one, summaries)), None)


def is_older(version: Version, barrier: Barrier, summaries: Sequence[Summary]) -> bool:
    """Whether `version` is from before the barrier: it, or its artifact, ran before the barrier's release.

    What nobody had released until then is newer, and so is another configuration of the oldest artifact that works.
    """
    if version == barrier.oldest:
        return False
    earlier = _ran_before(barrier, summaries)
    if version.artifact == barrier.oldest.artifact:
        return version in earlier
    return version.artifact in {one.artifact for one in earlier}


def _ran_before(barrier: Barrier, summaries: Sequence[Summary]) -> set[Version]:
    """The versions of the unit that ran, or were tried, before the release with the barrier was asked for."""
    own = next(
        (index for index, one in enumerate(summaries) if one.release == barrier.release), len(summaries)
    )
    found: set[Version] = set()
    for one in summaries[own:]:
        for move in one.moves:
            if move.unit == barrier.unit and one.outcome != "refused":
                tried = () if one.release == barrier.release else (move.after,)
                found.update(version for version in (move.before, *tried) if version is not None)
    return found


# Whether a version can be had: its artifact and its configuration are there, so that it can be started.


def missing(version: Version, *, artifact: str, configuration: str) -> str:
    """Why `version` cannot be started; empty: it can.

    `artifact` and `configuration` say what is wrong with each of them; empty: it is there and whole.
    """
    if artifact:
        return f"the artifact {version.artifact[:12]} cannot be had: {artifact}"
    if configuration:
        return f"the configuration {version.configuration[:8]} cannot be had: {configuration}"
    return ""
