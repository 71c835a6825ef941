"""What runs where, and what was sent back: pure functions over summaries, which each need all that concern them."""

from collections.abc import Iterable

import msgspec

from headgate.core.model import Listener, Unit, Version
from headgate.core.summary import Move, Summary


class Running(msgspec.Struct, frozen=True):
    """What one unit runs. `stable` None: nothing was ever promoted; `release` is the one that promoted it.

    `warm` are other versions still running for a rollback. `in_flight` is the release that moves the unit now,
    `waiting` those that queue behind it, in order. `listener` is where `stable` is reached.
    """

    unit: Unit
    stable: Version | None = None
    release: str | None = None
    warm: tuple[Version, ...] = ()
    in_flight: str | None = None
    waiting: tuple[str, ...] = ()
    listener: Listener | None = None


def fleet(summaries: Iterable[Summary]) -> dict[Unit, Running]:
    """Each unit and what it runs, given all releases newest first, as `Ledger.summaries` gives them.

    Only a release that was promoted moves stable; one that was rolled back, aborted or refused leaves it.
    """
    newest_first = list(summaries)
    running: dict[Unit, Running] = {}
    for summary in reversed(newest_first):
        for move in summary.moves:
            known = running.get(move.unit) or Running(move.unit)
            running[move.unit] = _after(known, summary, move)
    return {unit: running[unit] for unit in sorted(running)}


def _after(known: Running, summary: Summary, move: Move) -> Running:
    stable, release = known.stable, known.release
    if summary.outcome == "promoted":
        stable, release = move.after, summary.release
    in_flight, waiting = known.in_flight, known.waiting
    if summary.outcome is None and not summary.closed:
        if in_flight is None:
            in_flight = summary.release
        else:
            waiting = (*waiting, summary.release)
    own = (version for version in summary.warm if version.unit == known.unit)
    warm = tuple(sorted({*known.warm, *own} - {stable}))
    listener = move.listener if summary.outcome == "promoted" else known.listener
    return Running(known.unit, stable, release, warm, in_flight, waiting, listener)


def attempts(summaries: Iterable[Summary]) -> dict[Version, int]:
    """How often each version was tried and given up since it was last promoted; all releases, newest first.

    What was refused was not tried.
    """
    tried: dict[Version, int] = {}
    for summary in reversed(list(summaries)):
        for move in summary.moves:
            if summary.outcome == "promoted":
                tried.pop(move.after, None)
            elif summary.outcome in ("rolled_back", "aborted"):
                tried[move.after] = tried.get(move.after, 0) + 1
    return tried


def rolled_back(summaries: Iterable[Summary]) -> frozenset[tuple[Unit, str]]:
    """The artifacts (by unit and digest) that were rolled back and not promoted since; all releases, newest first.

    A release that changed nothing but the configuration says nothing against the artifact: see
    `rolled_back_versions` for those.
    """
    bad: set[tuple[Unit, str]] = set()
    for summary in reversed(list(summaries)):
        for move in summary.moves:
            same_artifact = move.before is not None and move.before.artifact == move.after.artifact
            if summary.outcome == "promoted":
                bad.discard((move.unit, move.after.artifact))
            elif summary.outcome == "rolled_back" and not same_artifact:
                bad.add((move.unit, move.after.artifact))
    return frozenset(bad)


def rolled_back_versions(summaries: Iterable[Summary]) -> frozenset[Version]:
    """The versions (artifact and configuration) that were rolled back and not promoted since; newest first."""
    bad: set[Version] = set()
    for summary in reversed(list(summaries)):
        for move in summary.moves:
            if summary.outcome == "promoted":
                bad.discard(move.after)
            elif summary.outcome == "rolled_back":
                bad.add(move.after)
    return frozenset(bad)
