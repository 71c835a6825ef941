"""Which versions a rollback goes to: from the ledger alone, for whoever asks."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from headgate.core.admission import Words
from headgate.core.events import ReleaseRequested
from headgate.core.model import Intent, Unit, Version
from headgate.core.planning import Policies, policies_of
from headgate.core.submission import Submission
from headgate.core.summary import Summary
from headgate.ledger.projections import ALL_RELEASES, Running, fleet, fleet_of, retired
from headgate.ledger.store import Ledger


class NoWay(Exception):  # noqa: N818 - a fact
    """There is no such way back. `hint` says what to do instead; `unforeseen`: the ledger lacks what it should have."""

    def __init__(self, message: str, hint: str = "", *, unforeseen: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.unforeseen = unforeseen


@dataclass(frozen=True)
class Way:
    """The way back: `intents` as `release` (the newest, where several are meant) asked for them then."""

    release: str
    intents: tuple[Intent, ...]
    policies: Policies

    def submission(self, author: str, reason: str, retry: str = "", break_glass: str = "") -> Submission:
        """What to ask a controller for. It always goes at once; that a person ordered it is its excuse, on record."""
        careless = any(intent.rollout.strategy == "all-at-once" for intent in self.intents)
        ordered = f"a rollback to {self.release}, which a person ordered" if careless else ""
        words = Words(retry, break_glass or ordered)
        return Submission(self.intents, self.policies, author, reason, words, self.release)


Targets = dict[Unit, tuple[str, Version]]
"""For each unit the release that promoted the version to go back to, and that version."""


def way_to(ledger: Ledger, summary: Summary, units: Collection[Unit]) -> Way:
    """To what `summary`'s release had promoted, for those of its units. Raises NoWay."""
    _require_promoted(summary)
    targets = {move.unit: (summary.release, move.after) for move in summary.moves if move.unit in units}
    return _way(ledger, fleet_of(ledger), targets)


def way_before_last(ledger: Ledger, units: Collection[Unit]) -> Way:
    """To what ran before the newest promotion that moved one of `units`, all of which is undone. Raises NoWay."""
    summaries = ledger.summaries(limit=ALL_RELEASES)
    running = fleet(summaries, retired(ledger.notes()))
    _require_still(running, units)
    last = _last(summaries, units)
    if last is None:
        raise NoWay("nothing was promoted yet, so there is nothing to go back to")
    return _way(ledger, running, _before(summaries, last, units))


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
    return _way(ledger, running, _before(summaries, summary, units))


def request_of(ledger: Ledger, release: str) -> ReleaseRequested:
    """The event that began a release. Raises NoWay."""
    first = next(iter(ledger.read(release)), None)
    if first is None or not isinstance(first.event, ReleaseRequested):
        raise NoWay(f"the ledger does not say how {release} began", unforeseen=True)
    return first.event


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


def _before(summaries: Sequence[Summary], last: Summary, units: Collection[Unit]) -> Targets:
    targets: Targets = {}
    for move in last.moves:
        if move.unit in units and move.before is not None and not move.adjusts:
            targets[move.unit] = (_promoter(summaries, move.before), move.before)
    if not targets:
        hint = "`headgate history` lists what there was"
        raise NoWay(f"{last.release} was the first release: there is nothing before it", hint)
    return targets


def _promoter(summaries: Sequence[Summary], version: Version) -> str:
    """The newest release that promoted `version`."""
    for summary in summaries:
        if summary.outcome == "promoted" and any(move.after == version for move in summary.moves):
            return summary.release
    raise NoWay(f"the ledger does not say how {version} was released", unforeseen=True)


def _way(ledger: Ledger, running: dict[Unit, Running], targets: Targets) -> Way:
    moved = {
        unit: found
        for unit, found in targets.items()
        if unit not in running or running[unit].stable != found[1]
    }
    if not moved:
        names = ", ".join(str(unit) for unit in targets)
        raise NoWay(f"{names} runs that already", "`headgate history` lists the others")
    _require_still(running, moved)
    requests = {release: request_of(ledger, release) for release, _ in moved.values()}
    intents = [
        _sized(next(one for one in requests[release].intents if one.unit == unit), running.get(unit))
        for unit, (release, _) in moved.items()
    ]
    newest = max(requests.values(), key=lambda request: request.at)
    return Way(newest.release, tuple(intents), policies_of(newest.plan))


def _sized(intent: Intent, run: Running | None) -> Intent:
    """A size is no part of a version: as many as there are now, not as there were then."""
    return replace(intent, instances=run.instances) if run is not None and run.instances else intent
