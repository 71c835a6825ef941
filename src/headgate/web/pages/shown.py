"""Rows, changes and comparisons for pages, made of what the API answers."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import msgspec

from headgate.core.home.facts import Home
from headgate.core.machine.plan import Plan
from headgate.core.model import Unit, Version
from headgate.core.model.summary import Move, Summary
from headgate.ledger import Ledger
from headgate.ledger.projections import Running
from headgate.web.api.differing import Difference, Made
from headgate.web.api.reading import Release
from headgate.web.http.who import Who
from headgate.web.pages.actions import Action
from headgate.web.pages.words import NOTHING, duration

LOOK_BACK = 200
"""How many releases are looked through for the name of a version."""


class Row(msgspec.Struct, frozen=True):
    """A service on the first page that nothing moves. `undoable`: whoever looks may go back to what ran before.

    `barred` says why they must not (empty: they may).
    """

    run: Running
    label: str
    since: float
    undoable: bool
    barred: str = ""


class Moved(msgspec.Struct, frozen=True):
    """A service that a release moves: from what to what, and how much of its traffic the new version has."""

    service: str
    before: str
    after: str
    after_key: str
    weight: int


class UnderWay(msgspec.Struct, frozen=True):
    """A release that moves or waits, with what whoever looks may do about it."""

    found: Release
    moves: list[Moved]
    actions: list[Action]

    @property
    def place(self) -> str:
        """Its project and environment."""
        return f"{self.found.summary.project} / {self.found.summary.environment}"

    @property
    def onward(self) -> Action | None:
        """The next thing to do."""
        return next((action for action in self.actions if action.kind == "main"), None)

    @property
    def back(self) -> Action | None:
        """The way back."""
        return next(
            (action for action in self.actions if action.kind == "back" and not action.disabled), None
        )


class Change(msgspec.Struct, frozen=True):
    """One thing that a release changes."""

    service: str
    what: str
    before: str
    after: str


class Compared(msgspec.Struct, frozen=True):
    """One line of a comparison."""

    name: str
    values: list[str]

    @property
    def differs(self) -> bool:
        """Whether the releases differ in it."""
        return len(set(self.values)) > 1


def moves(found: Release, known: dict[Version, str]) -> list[Moved]:
    """Moves of a release, by service, in the order of its legs."""
    pairs = zip(found.summary.moves, found.legs, strict=True)
    return [
        Moved(
            service=move.unit.service,
            before=known.get(move.before, move.before.key) if move.before else "nothing",
            after=move.label or move.after.key,
            after_key=move.after.key,
            weight=leg.weight,
        )
        for move, leg in pairs
    ]


def places(
    running: Iterable[Running], known: dict[str, Summary], who: Who, barred: Callable[[Version], str]
) -> list[tuple[str, list[Row]]]:
    """The services that nothing moves, by project and environment; `barred` says why a version may not run again."""
    rows = [_row(run, known, who, barred) for run in running if not run.in_flight and not run.waiting]
    keyed = groupby(rows, lambda row: f"{row.run.unit.project} / {row.run.unit.environment}")
    return [(place, list(found)) for place, found in keyed]


def _row(run: Running, known: dict[str, Summary], who: Who, barred: Callable[[Version], str]) -> Row:
    promoted = known.get(run.release or "")
    move = _move(promoted, run.unit)
    before = move is not None and move.before is not None and not move.adjusts
    return Row(
        run=run,
        label=move.label if move else "",
        since=(promoted.ended_at or promoted.changed_at) if promoted else 0.0,
        barred=barred(move.before) if before and move and move.before else "",
        undoable=before and who.may("operate", run.unit.environment),
    )


def _move(summary: Summary | None, unit: Unit) -> Move | None:
    return next((move for move in summary.moves if move.unit == unit), None) if summary else None


def frozen_places(home: Home, running: Iterable[Running], at: float) -> set[str]:
    """The places where a freeze holds for any service."""
    units = [run.unit for run in running]
    return {
        f"{unit.project} / {unit.environment}"
        for unit in units
        if any(freeze.holds(unit, at) for freeze in home.freezes.values())
    }


def labels(ledger: Ledger, summary: Summary) -> dict[Version, str]:
    """Labels of the versions of a release: its own by its request, the old ones by the releases that brought them."""
    found = {move.after: move.label for move in summary.moves if move.label}
    for move in summary.moves:
        if move.before is not None and move.before not in found:
            found |= _label(ledger, move.unit, move.before)
    return found


def _label(ledger: Ledger, unit: Unit, version: Version) -> dict[Version, str]:
    known = ledger.summaries(
        project=unit.project, environment=unit.environment, service=unit.service, limit=LOOK_BACK
    )
    moves = (move for summary in known for move in summary.moves)
    label = next((move.label for move in moves if move.after == version and move.label), "")
    return {version: label} if label else {}


def told(text: str, known: dict[Version, str]) -> str:
    """A sentence with the labels of versions in the place of their keys."""
    for version, label in known.items():
        text = text.replace(str(version), f"{version.unit.service} {label}").replace(version.key, label)
    return text


def changes(plan: Plan, differences: Iterable[Difference]) -> list[Change]:
    """Changes of a plan, service by service."""
    found: list[Change] = []
    for leg, difference in zip(plan.legs, differences, strict=True):
        service, before, after = leg.unit.service, leg.change.baseline, leg.change.candidate
        pairs = [
            ("artifact", _made(difference.before), _made(difference.after)),
            ("configuration", before.configuration[:16] if before else "", after.configuration[:16]),
        ]
        if (
            leg.change.baseline_listener is not None
            and leg.change.baseline_listener.port != leg.change.listener.port
        ):
            pairs.append(("port", str(leg.change.baseline_listener.port), str(leg.change.listener.port)))
        found += [Change(service, what, old, new) for what, old, new in pairs if old != new]
    return found


def _made(made: Made | None) -> str:
    """An artifact in a few words: its digest, what it is called, and the commit it was built from."""
    if made is None:
        return ""
    commit = f"commit {made.commit[:12]}{' (changed)' if made.dirty else ''}" if made.commit else ""
    return " ".join(part for part in (made.label, made.digest[:16], commit) if part)


def compared(releases: Sequence[Release]) -> list[Compared]:
    """Two releases side by side."""
    lines = {
        "where": [f"{one.summary.project} / {one.summary.environment}" for one in releases],
        "what": [
            ", ".join(f"{move.unit.service} {move.label or move.after.key}" for move in one.summary.moves)
            for one in releases
        ],
        "outcome": [(one.summary.outcome or one.summary.phase).replace("_", " ") for one in releases],
        "why": [one.summary.reason or NOTHING for one in releases],
        "by": [one.summary.author for one in releases],
        "bad requests served": [str(one.report.bad_requests_served) for one in releases],
        "found after": [duration(one.report.detected_after_s) for one in releases],
        "restored within": [duration(one.report.restored_after_s) for one in releases],
        "took": [duration(one.report.took_s) for one in releases],
        "steps": [", ".join(step.name for step in one.report.steps) or NOTHING for one in releases],
    }
    return [Compared(name, values) for name, values in lines.items()]
