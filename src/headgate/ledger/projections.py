"""Projections of releases: what runs where, and what was sent back; pure functions over summaries."""

from collections.abc import Iterable, Mapping

import msgspec

from headgate.core.home.facts import retirements
from headgate.core.model import HOST, Listener, Unit, Version
from headgate.core.model.summary import Move, Summary
from headgate.core.release.planning import Place
from headgate.ledger.store import Ledger, Note

ALL_RELEASES = 1_000_000
"""A bound far above the releases of any real home."""


Retired = Mapping[Unit, str]
"""The release whose promotion of a unit was undone by its retirement."""

NONE_RETIRED: Retired = {}


class Running(msgspec.Struct, frozen=True):
    """What one unit runs. `stable` None: nothing was ever promoted; `release` is the one that promoted it.

    `warm` are other versions still running for a rollback. `in_flight` is the release that moves the unit now
    (where one takes a frozen one over, that one), `waiting` those that queue behind it, in order. `listener` is where
    `stable` is reached, `instances` how many of it there are (0: not recorded), `platform` the one that runs it.
    """

    unit: Unit
    stable: Version | None = None
    release: str | None = None
    warm: tuple[Version, ...] = ()
    in_flight: str | None = None
    waiting: tuple[str, ...] = ()
    listener: Listener | None = None
    instances: int = 0
    platform: str = HOST


def fleet(summaries: Iterable[Summary], gone: Retired) -> dict[Unit, Running]:
    """Each unit and what it runs, given all releases newest first, as `Ledger.summaries` gives them, and `retired`.

    Only a release that was promoted moves stable; one that was rolled back, aborted or refused leaves it. A unit that
    was retired since runs nothing, and is left out where nothing moves it.
    """
    newest_first = list(summaries)
    running: dict[Unit, Running] = {}
    for summary in reversed(newest_first):
        for move in summary.moves:
            known = running.get(move.unit) or Running(move.unit)
            running[move.unit] = _after(known, summary, move)
    still = (_unless_retired(running[unit], gone.get(unit)) for unit in sorted(running))
    return {run.unit: run for run in still if run is not None}


def retired(notes: Iterable[Note]) -> Retired:
    """What was retired, given the facts of the home in their order."""
    return retirements(note.event for note in notes)


def fleet_of(ledger: Ledger) -> dict[Unit, Running]:
    """The same as `fleet`, of a whole ledger. Raises LedgerError."""
    return fleet(ledger.summaries(limit=ALL_RELEASES), retired(ledger.notes()))


def releases_of(
    ledger: Ledger, unit: Unit, limit: int = ALL_RELEASES, before: str | None = None
) -> list[Summary]:
    """The releases that moved a unit, the newest first, from before the one called `before` on. Raises LedgerError."""
    return ledger.summaries(
        environment=unit.environment, project=unit.project, service=unit.service, limit=limit, before=before
    )


def labels(summaries: Iterable[Summary]) -> dict[Version, str]:
    """What the versions that were ever released are called, given all releases, newest first."""
    moves = (move for summary in reversed(list(summaries)) for move in summary.moves)
    return {move.after: move.label for move in moves if move.label}


def listening(
    summaries: Iterable[Summary], running: Mapping[Unit, Running]
) -> dict[Unit, tuple[Listener, ...]]:
    """Where each unit of the `fleet` is reached, and where releases under way are about to have it."""
    found: dict[Unit, tuple[Listener, ...]] = {}
    found |= {unit: (run.listener,) for unit, run in running.items() if run.stable and run.listener}
    for summary in summaries:
        if summary.outcome is None and not summary.closed:
            for move in summary.moves:
                if move.listener is not None:
                    found[move.unit] = (*found.get(move.unit, ()), move.listener)
    return found


def places(running: Mapping[Unit, Running]) -> dict[Unit, Place]:
    """What surrounds the version that each unit runs, as it is recorded."""
    return {unit: Place(run.listener, run.instances or None) for unit, run in running.items() if run.stable}


def platforms(running: Mapping[Unit, Running]) -> dict[Unit, str]:
    """The platform of each unit that runs something."""
    return {unit: run.platform for unit, run in running.items() if run.stable}


def _unless_retired(run: Running, by: str | None) -> Running | None:
    if by is None or run.release != by:
        return run
    if run.in_flight is None:
        return None
    return Running(run.unit, in_flight=run.in_flight, waiting=run.waiting)


def _after(known: Running, summary: Summary, move: Move) -> Running:
    promoted = summary.outcome == "promoted"
    in_flight, waiting = known.in_flight, known.waiting
    if summary.outcome is None and not summary.closed:
        if in_flight is None or move.takes_over == in_flight:
            in_flight = summary.release
        else:
            waiting = (*waiting, summary.release)
    stable = move.after if promoted else known.stable
    own = (version for version in summary.warm if version.unit == known.unit)
    return Running(
        unit=known.unit,
        stable=stable,
        release=summary.release if promoted else known.release,
        warm=tuple(sorted({*known.warm, *own} - {stable})),
        in_flight=in_flight,
        waiting=waiting,
        listener=move.listener if promoted else known.listener,
        instances=move.instances if promoted else known.instances,
        platform=move.platform if promoted else known.platform,
    )


def attempts(summaries: Iterable[Summary]) -> dict[Version, int]:
    """How often each version was tried and given up since it was last promoted; all releases, newest first.

    What was refused was not tried.
    """
    tried: dict[Version, int] = {}
    for summary in reversed(list(summaries)):
        for move in summary.moves:
            if summary.outcome == "promoted":
                tried.pop(move.after, None)
            elif move.adjusts:
                continue
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
            elif summary.outcome == "rolled_back" and not move.adjusts:
                bad.add(move.after)
    return frozenset(bad)
