"""What a rollback goes to: a version that a person names, or the one before; and whether the ledger allows it."""

from collections.abc import Sequence

from headgate.cli import exits
from headgate.cli.ask.names import environment_named, release_named, units_named
from headgate.cli.errors import Unable
from headgate.core.machine.events import ReleaseRequested
from headgate.kit.availability import lacking
from headgate.ledger import Ledger, going_back, lineage
from headgate.ledger.going_back import NoWay, Way
from headgate.ledger.projections import fleet_of
from headgate.ports import Artifacts


def way_back(ledger: Ledger, release: str | None, environment: str | None, services: Sequence[str]) -> Way:
    """To what `release` promoted, or to what ran before the last promotion. Raises Unable when there is no such way."""
    try:
        if release is not None:
            summary = release_named(ledger, release)
            chosen = units_named((move.unit for move in summary.moves), environment, services)
            return going_back.way_to(ledger, summary, chosen)
        running = fleet_of(ledger)
        if not running:
            raise Unable("nothing was released yet, so there is nothing to go back to")
        if environment is None:
            environment = environment_named(None, (unit.environment for unit in running))
        return going_back.way_before_last(ledger, units_named(running, environment, services))
    except NoWay as no:
        raise _unable(no) from no


def request_of(ledger: Ledger, release: str) -> ReleaseRequested:
    """The event that began a release. Raises Unable."""
    try:
        return lineage.request_of(ledger, release)
    except lineage.Unrecorded as error:
        raise Unable(str(error), code=exits.INTERNAL) from error


def require_legal(way: Way, store: Artifacts) -> None:
    """Raises Unable when a version can not be started any more."""
    for intent in way.intents:
        target = intent.candidate
        reason = lacking(store, target)
        if reason:
            hint = "nothing was changed; deploy a version that is in the store: `headgate artifacts`"
            raise Unable(f"{target.unit} cannot go back to {target}: {reason}", hint, code=exits.REFUSED)


def _unable(no: NoWay) -> Unable:
    return Unable(str(no), no.hint, code=exits.INTERNAL if no.unforeseen else exits.REFUSED)
