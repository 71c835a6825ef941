"""Workloads of units: what the last releases measured of their traffic."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from headgate.core.judge.planner import measured
from headgate.core.judge.traffic import Workload
from headgate.core.model import Sample, Unit
from headgate.ledger.errors import LedgerCorrupt
from headgate.ledger.store import Ledger

RELEASES = 5
SAMPLES_MAX = 1000
"""So many samples are enough for a plan, which nobody wants to wait for: no release older than it takes is read."""


def workload(ledger: Ledger, unit: Unit, most: int | None = None) -> Workload | None:
    """The unit's traffic by at most so many samples of its last releases; None where too little was seen.

    Raises LedgerError.
    """
    return measured(islice(_samples(ledger, unit), most))


def workloads(ledger: Ledger, units: Iterable[Unit]) -> Mapping[Unit, Workload]:
    """The traffic of those units of which enough was seen, for a plan; a damaged sample keeps nobody from a release.

    Raises LedgerError, but for a sample that is not as it was written.
    """
    found: dict[Unit, Workload] = {}
    for unit in units:
        with contextlib.suppress(LedgerCorrupt):
            seen = workload(ledger, unit, SAMPLES_MAX)
            found |= {unit: seen} if seen is not None else {}
    return found


def _samples(ledger: Ledger, unit: Unit) -> Iterator[Sample]:
    releases = ledger.summaries(
        project=unit.project, environment=unit.environment, service=unit.service, limit=RELEASES
    )
    for summary in releases:
        yield from (sample for sample in ledger.samples(summary.release) if sample.unit == unit)
