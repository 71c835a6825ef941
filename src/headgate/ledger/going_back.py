"""Ways back: the versions that a rollback goes to, from the ledger alone."""

import contextlib
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from headgate.core.home.facts import folded
from headgate.core.legality.barrier import Barrier, barriers, in_the_way
from headgate.core.machine.events import ReleaseRequested
from headgate.core.machine.steps import Execute
from headgate.core.model import Intent, Unit, Version
from headgate.core.model.places import named
from headgate.core.model.summary import Summary
from headgate.core.release.admission import Words
from headgate.core.release.planning import Policies, policies_of
from headgate.core.release.submission import Submission
from headgate.ledger.lineage import Lineage, Promoted, Unrecorded, request_of
from headgate.ledger.projections import ALL_RELEASES, Running, fleet, retired
from headgate.ledger.store import Ledger


class NoWay(Exception):  # noqa: N818 - a fact
    """There is no such way back. `hint` says what to do instead; `unforeseen`: the ledger lacks what it should have.

    `barrier`: it is there, and illegal.
    """

    def __init__(
        self, message: str, hint: str = "", *, unforeseen: bool = False, barrier: bool = False
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.unforeseen = unforeseen
        self.barrier = barrier


@dataclass(frozen=True)
class Way:
    """The way back: `intents` as `release` (the newest, where several are meant) asked for them then.

    `leaves` is what each unit runs until then; `over` are the versions that ran in between, newest first: they are
    passed over, as they were left before. `stays` names the commands with an `undo` that were run since then: a
    rollback runs none, so what they have changed stays.
    """

    release: str
    intents: tuple[Intent, ...]
    policies: Policies
    leaves: Mapping[Unit, Version | None]
    over: Mapping[Unit, tuple[Version, ...]]
    stays: Mapping[Unit, tuple[str, ...]]

    def submission(self, author: str, reason: str, retry: str = "", break_glass: str = "") -> Submission:
        """What to ask a controller for. It always goes at once; that a person ordered it is its excuse, on record."""
        careless = any(intent.rollout.strategy == "all-at-once" for intent in self.intents)
        ordered = f"a rollback to {self.release}, which a person ordered" if careless else ""
        words = Words(retry, break_glass or ordered)
        return Submission(self.intents, self.policies, author, reason, words, self.release)


def before(ledger: Ledger, summaries: Sequence[Summary], unit: Unit) -> Promoted | None:
    """What a way back from what `unit` runs goes to; None: there is nothing before it. Raises Unrecorded, LedgerError.

    `summaries` are all releases, newest first.
    """
    last = _last(summaries, (unit,))
    return _lineage(ledger, summaries, unit).before(last.release) if last is not None else None


def barrier_before(
    ledger: Ledger, summaries: Sequence[Summary], unit: Unit, found: Promoted | None
) -> Barrier | None:
    """What keeps `unit` from going back to `found`, which a way back would go to; None: nothing does.

    `summaries` are all releases, newest first. Raises LedgerError.
    """
    if found is None:
        return None
    in_force = [one for one in _in_force(ledger, summaries) if one.unit == unit]
    return in_the_way(found.version, in_force, summaries)


def _in_force(ledger: Ledger, summaries: Sequence[Summary]) -> tuple[Barrier, ...]:
    return barriers(summaries, folded(note.event for note in ledger.notes()))


def _lineage(ledger: Ledger, summaries: Sequence[Summary], unit: Unit) -> Lineage:
    return Lineage(summaries, unit, lambda release: request_of(ledger, release).rollback_to)


Targets = dict[Unit, tuple[str, Version]]
"""For each unit the release that promoted the version to go back to, and that version."""


def way_to(ledger: Ledger, summary: Summary, units: Collection[Unit]) -> Way:
    """To what `summary`'s release had promoted, for those of its units. Raises NoWay."""
    _require_promoted(summary)
    targets = {move.unit: (summary.release, move.after) for move in summary.moves if move.unit in units}
    summaries = ledger.summaries(limit=ALL_RELEASES)
    return _way(ledger, summaries, fleet(summaries, retired(ledger.notes())), targets)


def way_before_last(ledger: Ledger, units: Collection[Unit]) -> Way:
    """To what ran before the newest promotion that moved one of `units`, all of which is undone. Raises NoWay."""
    summaries = ledger.summaries(limit=ALL_RELEASES)
    running = fleet(summaries, retired(ledger.notes()))
    _require_still(running, units)
    last = _last(summaries, units)
    if last is None:
        raise NoWay("nothing was promoted yet, so there is nothing to go back to")
    return _way(ledger, summaries, running, _before(ledger, summaries, last, units))


def way_before(ledger: Ledger, summary: Summary) -> Way:
    """To what ran before this release, which must be the last one that moved its units. Raises NoWay."""
    _require_promoted(summary)
    if all(move.adjusts for move in summary.moves):
        hint = "deploy it with the size and the place that it had before"
        raise NoWay(f"{summary.release} has changed no version", hint)
    summaries = ledger.summaries(limit=ALL_RELEASES)
    running, units = fleet(summaries, retired(ledger.notes())), {move.unit for move in summary.moves}
    _require_still(running, units)
    last = _last(summaries, units)
    if last is not None and last.release != summary.release:
        raise NoWay(
            f"{last.release} was promoted after {summary.release}", f"roll {last.release} back instead"
        )
    return _way(ledger, summaries, running, _before(ledger, summaries, summary, units))


def can_be_undone(ledger: Ledger, release: str) -> bool:
    """True where there is a way back from what `release` has promoted, now. Raises LedgerError."""
    summary = ledger.summary(release)
    try:
        return summary is not None and bool(way_before(ledger, summary).intents)
    except NoWay:
        return False


def _require_promoted(summary: Summary) -> None:
    if summary.outcome == "promoted":
        return
    if summary.outcome is None:
        hint = f"`headgate abort {summary.release}` undoes it"
        raise NoWay(f"{summary.release} is still under way", hint)
    outcome = summary.outcome.replace("_", " ")
    hint = "only what was promoted can be gone back to: `headgate history --outcome promoted`"
    raise NoWay(f"{summary.release} was {outcome}, never promoted", hint)


def _require_still(running: dict[Unit, Running], units: Iterable[Unit]) -> None:
    for unit in units:
        other = running[unit].in_flight if unit in running else None
        if other is not None:
            raise NoWay(f"{other} is moving {unit}", f"`headgate abort {other}` undoes that first")


def _last(summaries: Sequence[Summary], units: Collection[Unit]) -> Summary | None:
    """The newest promotion that moved one of these units; one that only adjusted it has changed no version."""
    return next(
        (
            found
            for found in summaries
            if found.outcome == "promoted"
            and any(move.unit in units and not move.adjusts for move in found.moves)
        ),
        None,
    )


def _before(ledger: Ledger, summaries: Sequence[Summary], last: Summary, units: Collection[Unit]) -> Targets:
    moved = [move.unit for move in last.moves if move.unit in units and not move.adjusts]
    try:
        found = {unit: _lineage(ledger, summaries, unit).before(last.release) for unit in moved}
    except Unrecorded as error:
        raise NoWay(str(error), unforeseen=True) from error
    targets = {unit: (one.release, one.version) for unit, one in found.items() if one is not None}
    if not targets:
        hint = "`headgate history` lists what there was"
        raise NoWay(_bottom(last, moved), hint)
    return targets


def _bottom(last: Summary, moved: Sequence[Unit]) -> str:
    """Why there is nothing before: it was the first release, or a way back to the first."""
    first = all(move.before is None for move in last.moves if move.unit in moved)
    if first:
        return f"{last.release} was the first release: there is nothing before it"
    return f"{last.release} went back to the first version that there was: there is nothing before it"


def _way(ledger: Ledger, summaries: Sequence[Summary], running: dict[Unit, Running], targets: Targets) -> Way:
    moved = {
        unit: found
        for unit, found in targets.items()
        if unit not in running or running[unit].stable != found[1]
    }
    if not moved:
        names = ", ".join(str(unit) for unit in targets)
        raise NoWay(f"{names} runs that already", "`headgate history` lists the others")
    _require_still(running, moved)
    _require_no_barrier(ledger, summaries, moved)
    requests = {release: _request(ledger, release) for release, _ in moved.values()}
    intents = [
        _sized(next(one for one in requests[release].intents if one.unit == unit), running.get(unit))
        for unit, (release, _) in moved.items()
    ]
    newest = max(requests.values(), key=lambda request: request.at)
    leaves = {unit: running[unit].stable for unit in moved if unit in running}
    return Way(
        newest.release,
        tuple(intents),
        policies_of(newest.plan),
        leaves,
        _over(summaries, moved, leaves),
        {unit: _stays(ledger, summaries, unit, release) for unit, (release, _) in moved.items()},
    )


def _require_no_barrier(ledger: Ledger, summaries: Sequence[Summary], targets: Targets) -> None:
    """Raises NoWay when an irreversible step is between what runs and what is gone back to."""
    in_force = _in_force(ledger, summaries)
    for unit, (_, version) in targets.items():
        barrier = in_the_way(version, in_force, summaries)
        if barrier is not None:
            raise NoWay(f"{unit}: {barrier.sentence()}", ways_out(barrier), barrier=True)


def ways_out(barrier: Barrier) -> str:
    """What to do instead of going back, and how to go back all the same."""
    lift = f'headgate barrier lift {named(barrier.unit)} --reason "..."'
    return (
        f"deploy a fix instead: `headgate deploy {named(barrier.unit)}`; where it is no longer so: `{lift}`"
    )


def _over(
    summaries: Sequence[Summary], targets: Targets, leaves: Mapping[Unit, Version | None]
) -> dict[Unit, tuple[Version, ...]]:
    """What ran of each unit after its target, newest first, but for what runs now."""
    found: dict[Unit, tuple[Version, ...]] = {}
    for unit, (release, version) in targets.items():
        after = _since(summaries, release)
        ran = [m.after for one in after for m in one.moves if m.unit == unit]
        found[unit] = tuple(dict.fromkeys(one for one in ran if one not in (version, leaves.get(unit))))
    return found


def _since(summaries: Sequence[Summary], release: str) -> list[Summary]:
    """What was promoted after this release, newest first."""
    newer = itertools.takewhile(lambda one: one.release != release, summaries)
    return [one for one in newer if one.outcome == "promoted"]


def _stays(ledger: Ledger, summaries: Sequence[Summary], unit: Unit, release: str) -> tuple[str, ...]:
    """The commands that have an `undo` and were run for a unit since this release, the last one first."""
    found: list[str] = []
    for newer in _since(summaries, release):
        with contextlib.suppress(Unrecorded):
            plan = request_of(ledger, newer.release).plan
            steps = [step for leg in plan.legs if leg.unit == unit for step in reversed(leg.steps)]
            found += [one.command.name for one in steps if isinstance(one, Execute) and one.command.undo]
    return tuple(dict.fromkeys(found))


def _request(ledger: Ledger, release: str) -> ReleaseRequested:
    try:
        return request_of(ledger, release)
    except Unrecorded as error:
        raise NoWay(str(error), unforeseen=True) from error


def _sized(intent: Intent, run: Running | None) -> Intent:
    """A size is no part of a version: as many as there are now, not as there were then."""
    return replace(intent, instances=run.instances) if run is not None and run.instances else intent
