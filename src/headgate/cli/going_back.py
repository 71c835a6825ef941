"""Which versions a rollback goes to, and whether it may: from ledger and store alone, without a project file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headgate.cli import exits
from headgate.cli.errors import Unable
from headgate.cli.names import ALL_RELEASES, environment_named, release_named, units_named
from headgate.core.admission import Words
from headgate.core.events import ReleaseRequested
from headgate.core.model import Intent, Unit, Version
from headgate.core.planning import Policies, policies_of
from headgate.core.reversal import objection_to_rollback
from headgate.core.summary import Summary
from headgate.ledger import Ledger
from headgate.ledger.projections import Running, fleet
from headgate.ports import Artifacts, PortError


@dataclass(frozen=True)
class Way:
    """The way back: `intents` as `release` (the newest, where several are meant) asked for them then."""

    release: str
    intents: tuple[Intent, ...]
    policies: Policies


def way_back(ledger: Ledger, release: str | None, environment: str | None, services: Sequence[str]) -> Way:
    """To what `release` promoted, or to what ran before the last promotion. Raises Unable when there is no such way."""
    summaries = ledger.summaries(limit=ALL_RELEASES)
    running = fleet(summaries)
    if release is not None:
        targets = _of(_promoted(release_named(ledger, release)), environment, services)
    else:
        targets = _before(summaries, running, environment, services)
    moved = {unit: found for unit, found in targets.items() if _differs(running, unit, found[1])}
    if not moved:
        names = ", ".join(str(unit) for unit in targets)
        raise Unable(f"{names} runs that already", "`headgate history` lists the others", code=exits.REFUSED)
    _nothing_moves(running, moved)
    return _way(ledger, moved)


def words_for(way: Way, retry: str, break_glass: str) -> Words:
    """The reasons for a rollback. It always goes at once; that a person ordered it is its excuse, on record."""
    careless = any(intent.rollout.strategy == "all-at-once" for intent in way.intents)
    ordered = f"a rollback to {way.release}, which a person ordered" if careless else ""
    return Words(retry, break_glass or ordered)


def require_legal(way: Way, store: Artifacts) -> None:
    """Raises Unable when a version can not be started any more."""
    stored = {artifact.digest for artifact in store.list()}
    for intent in way.intents:
        target = intent.candidate
        configured = {target.configuration} if _configured(store, target) else set[str]()
        reason = objection_to_rollback(target, stored=stored, configured=configured)
        if reason is not None:
            hint = "nothing was changed; deploy a version that is in the store: `headgate artifacts`"
            raise Unable(f"{target.unit} cannot go back to {target}: {reason}", hint, code=exits.REFUSED)


def _configured(store: Artifacts, version: Version) -> bool:
    try:
        store.configuration(version.configuration)
    except PortError:
        return False
    return True


def _promoted(summary: Summary) -> Summary:
    if summary.outcome == "promoted":
        return summary
    if summary.outcome is None:
        hint = f"`headgate abort {summary.release}` undoes it"
        raise Unable(f"{summary.release} is still under way", hint, code=exits.REFUSED)
    outcome = summary.outcome.replace("_", " ")
    hint = "only what was promoted can be gone back to: `headgate history --outcome promoted`"
    raise Unable(f"{summary.release} was {outcome}, never promoted", hint, code=exits.REFUSED)


Targets = dict[Unit, tuple[str, Version]]
"""For each unit the release that promoted the version to go back to, and that version."""


def _of(summary: Summary, environment: str | None, services: Sequence[str]) -> Targets:
    chosen = units_named((move.unit for move in summary.moves), environment, services)
    return {move.unit: (summary.release, move.after) for move in summary.moves if move.unit in chosen}


def _before(
    summaries: Sequence[Summary],
    running: dict[Unit, Running],
    environment: str | None,
    services: Sequence[str],
) -> Targets:
    """What ran before the newest promotion that moved one of these units: all of that promotion is undone."""
    if not running:
        raise Unable("nothing was released yet, so there is nothing to go back to")
    if environment is None:
        environment = environment_named(None, (unit.environment for unit in running))
    units = units_named(running, environment, services)
    _nothing_moves(running, units)
    last = next((found for found in summaries if _moved(found, units)), None)
    if last is None:
        raise Unable("nothing was promoted yet, so there is nothing to go back to", code=exits.REFUSED)
    targets: Targets = {}
    for move in last.moves:
        if move.unit in units and move.before is not None:
            targets[move.unit] = (_promoter(summaries, move.before), move.before)
    if not targets:
        hint = "`headgate history` lists what there was"
        raise Unable(
            f"{last.release} was the first release: there is nothing before it", hint, code=exits.REFUSED
        )
    return targets


def _moved(summary: Summary, units: Iterable[Unit]) -> bool:
    return summary.outcome == "promoted" and any(move.unit in units for move in summary.moves)


def _promoter(summaries: Sequence[Summary], version: Version) -> str:
    """The newest release that promoted `version`."""
    for summary in summaries:
        if summary.outcome == "promoted" and any(move.after == version for move in summary.moves):
            return summary.release
    raise Unable(f"the ledger does not say how {version} was released", code=exits.INTERNAL)


def _differs(running: dict[Unit, Running], unit: Unit, version: Version) -> bool:
    return unit not in running or running[unit].stable != version


def _nothing_moves(running: dict[Unit, Running], units: Iterable[Unit]) -> None:
    for unit in units:
        other = running[unit].in_flight if unit in running else None
        if other is not None:
            hint = f"`headgate abort {other}` undoes that first"
            raise Unable(f"{other} is moving {unit}", hint, code=exits.REFUSED)


def _way(ledger: Ledger, targets: Targets) -> Way:
    requests = {release: request_of(ledger, release) for release, _ in targets.values()}
    intents = [
        next(intent for intent in requests[release].intents if intent.unit == unit)
        for unit, (release, _) in targets.items()
    ]
    newest = max(requests.values(), key=lambda request: request.at)
    return Way(newest.release, tuple(intents), policies_of(newest.plan))


def request_of(ledger: Ledger, release: str) -> ReleaseRequested:
    """The event that began a release. Raises Unable."""
    first = next(iter(ledger.read(release)), None)
    if first is None or not isinstance(first.event, ReleaseRequested):
        raise Unable(f"the ledger does not say how {release} began", code=exits.INTERNAL)
    return first.event
