"""Sizes of units by the ledger, also where an older Headgate did not write them into its summaries."""

from collections.abc import Mapping

from msgspec.structs import replace

from headgate.core.machine.events import ReleaseDequeued, ReleaseRequested
from headgate.core.machine.plan import Plan
from headgate.core.model import Unit
from headgate.ledger.projections import Running
from headgate.ledger.store import Ledger


def sized(ledger: Ledger, running: Mapping[Unit, Running]) -> dict[Unit, Running]:
    """The fleet with every size that is recorded anywhere. Raises LedgerError."""
    return {unit: _sized(ledger, run) for unit, run in running.items()}


def _sized(ledger: Ledger, run: Running) -> Running:
    if run.stable is None or run.instances or run.release is None:
        return run
    plan = plan_of(ledger, run.release)
    sizes = [leg.change.instances for leg in plan.legs if leg.unit == run.unit] if plan else []
    return replace(run, instances=sizes[0]) if sizes else run


def plan_of(ledger: Ledger, release: str) -> Plan | None:
    """The plan that a release was carried out by: drawn when it was asked for, or anew when its turn came."""
    drawn: Plan | None = None
    for entry in ledger.read(release):
        if isinstance(entry.event, (ReleaseRequested, ReleaseDequeued)):
            drawn = entry.event.plan
    return drawn
