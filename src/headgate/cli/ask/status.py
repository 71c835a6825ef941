"""The status of a home and of its units, as data: read from the ledger and the world, shown by `headgate status`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headgate.cli.ask.client import Client, NoController
from headgate.cli.ask.drift import gallery
from headgate.cli.ask.names import units_named
from headgate.cli.errors import Unable
from headgate.cli.session import Session
from headgate.core.drift import Difference, Part, Pictures
from headgate.core.legality.barrier import Barrier
from headgate.core.model import Unit, Version
from headgate.core.model.summary import Move, Summary
from headgate.core.story.view import Alarms, alarms
from headgate.homes import socket_of
from headgate.ledger import Ledger, going_back
from headgate.ledger.lineage import Promoted, Unrecorded
from headgate.ledger.projections import ALL_RELEASES, Running, fleet, retired
from headgate.outbox.book import lane_trouble, read_book
from headgate.ports.controller import Health

if TYPE_CHECKING:
    from headgate.core.story.report import Fold


@dataclass(frozen=True)
class UnitStatus:
    """One unit: what it runs and since when, by whose release; what is warm; what is moving it and what waits.

    `label`, `since` (epoch seconds) and `author` belong to `release`, which promoted `stable`. `before` is what
    `headgate rollback` goes back to, None when there is nothing; `barrier` is what keeps it from going there. `alarms`:
    how often the judge would have failed stable against itself. `pictures`: what is declared, recorded and real of it.
    """

    unit: Unit
    stable: Version | None
    label: str
    release: str | None
    since: float
    author: str
    warm: tuple[Version, ...]
    moving: "Fold | None"
    waiting: tuple[str, ...]
    before: Promoted | None = None
    barrier: Barrier | None = None
    alarms: Alarms | None = None
    pictures: Pictures | None = None


@dataclass(frozen=True)
class HomeStatus:
    """Everything that `status` shows. `controller` is its process, 0 when none runs; `trouble` its own.

    `drift` is all that is not as it should be, of units and of the `parts` that the home stands on.
    """

    home: str
    controller: int
    trouble: dict[str, str]
    units: tuple[UnitStatus, ...]
    drift: tuple[Difference, ...] = ()
    parts: tuple[Part, ...] = ()


ANSWER_S = 1.0


def read_status(session: Session, environment: str | None, services: Sequence[str]) -> HomeStatus:
    """The status of the home, and of the units that are asked for. Raises Unable, LedgerError."""
    health = _health(session)
    summaries = session.ledger.summaries(limit=ALL_RELEASES) if session.has_ledger else []
    running = fleet(summaries, retired(session.ledger.notes())) if session.has_ledger else {}
    units = units_named(running, environment, services)
    by_name = {summary.release: summary for summary in summaries}
    folds: dict[str, Fold] = {}
    found = gallery(session, running, units, (environment, services))
    before = {unit: _before(session.ledger, summaries, running[unit]) for unit in units}
    seen = tuple(
        replace(
            _unit_status(running[unit], by_name, session.ledger, folds),
            alarms=alarms(summaries, unit),
            pictures=found.pictures[unit],
            before=before[unit],
            barrier=going_back.barrier_before(session.ledger, summaries, unit, before[unit]),
        )
        for unit in units
    )
    trouble = _untold(session) | health.trouble
    return HomeStatus(str(session.home), health.pid, trouble, seen, found.drift, found.parts)


def _before(ledger: Ledger, summaries: Sequence[Summary], run: Running) -> Promoted | None:
    """What a way back would go to; what the ledger does not say is none."""
    if run.stable is None:
        return None
    try:
        return going_back.before(ledger, summaries, run.unit)
    except Unrecorded:
        return None


def _untold(session: Session) -> dict[str, str]:
    """What could not be told to people, by channel: it is in the home also where no controller runs."""
    book = read_book(session.home)
    return lane_trouble(book, time.time()) if book is not None else {}


def _health(session: Session) -> Health:
    try:
        return Client(socket_of(session.home)).health(ANSWER_S)
    except (NoController, Unable):
        return Health()


def _unit_status(
    run: Running, by_name: dict[str, Summary], ledger: Ledger, folds: dict[str, "Fold"]
) -> UnitStatus:
    promoted = by_name.get(run.release) if run.release else None
    move = _move(promoted, run.unit)
    if run.in_flight is not None and run.in_flight not in folds:
        from headgate.cli.ask.follow import read_fold

        folds[run.in_flight] = read_fold(ledger, run.in_flight)
    return UnitStatus(
        unit=run.unit,
        stable=run.stable,
        label=move.label if move else "",
        release=run.release,
        since=(promoted.ended_at or promoted.changed_at) if promoted else 0.0,
        author=promoted.author if promoted else "",
        warm=run.warm,
        moving=folds[run.in_flight] if run.in_flight else None,
        waiting=run.waiting,
    )


def _move(summary: Summary | None, unit: Unit) -> Move | None:
    return next((move for move in summary.moves if move.unit == unit), None) if summary else None
