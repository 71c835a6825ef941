"""Legality of a request by the ledger: barriers in its way, what it may take over, what was declared before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from headgate.core.home.facts import Home
from headgate.core.legality.barrier import Barrier, barriers, in_the_way
from headgate.core.legality.declared import meant_for
from headgate.core.legality.forward import Forward, frozen, may_take_over
from headgate.core.model import Intent, Unit
from headgate.core.model.summary import Summary
from headgate.core.story.report import fold
from headgate.ledger.projections import Running
from headgate.ledger.store import Ledger


@dataclass(frozen=True)
class Legality:
    """Of what is asked: `intents` without the declarations that were `meant_for` an earlier release (by unit).

    `kept_out` are the barriers that candidates are older than, `forward` where units go forward from a frozen release.
    """

    intents: tuple[Intent, ...]
    kept_out: Mapping[Unit, Barrier] = field(default_factory=dict[Unit, Barrier])
    forward: Mapping[Unit, Forward] = field(default_factory=dict[Unit, Forward])
    meant_for: Mapping[Unit, str] = field(default_factory=dict[Unit, str])


def legality(
    intents: tuple[Intent, ...],
    ledger: Ledger,
    summaries: Sequence[Summary],
    running: Mapping[Unit, Running],
    home: Home,
) -> Legality:
    """What holds for these; `summaries` are all releases, newest first. Raises LedgerError."""
    in_force = barriers(summaries, home)
    found = {one.unit: in_the_way(one.candidate, in_force, summaries) for one in intents}
    kept_out = {unit: barrier for unit, barrier in found.items() if barrier is not None}
    forward: Mapping[Unit, Forward] = {} if kept_out else _forward(intents, ledger, running)
    meant = {one.unit: _meant(one, running, forward, summaries) for one in intents}
    return Legality(
        tuple(replace(one, one_way=None) if meant[one.unit] else one for one in intents),
        kept_out,
        forward,
        {unit: release for unit, release in meant.items() if release},
    )


def _meant(
    intent: Intent,
    running: Mapping[Unit, Running],
    forward: Mapping[Unit, Forward],
    summaries: Sequence[Summary],
) -> str:
    """The earlier release that the declaration of this unit was meant for; empty: none."""
    if intent.one_way is None:
        return ""
    run = running.get(intent.unit)
    baseline = run.stable if run is not None else None
    return meant_for(intent.one_way, intent.unit, baseline, forward.get(intent.unit), summaries)


def _forward(
    intents: tuple[Intent, ...], ledger: Ledger, running: Mapping[Unit, Running]
) -> Mapping[Unit, Forward]:
    """Where these go forward from, when all that moves their units is frozen and theirs to take over."""
    asked = {one.unit: one.candidate for one in intents}
    moving = {run.in_flight for unit, run in running.items() if unit in asked and run.in_flight}
    found: dict[Unit, Forward] = {}
    for release in sorted(moving):
        folded = fold(entry.event for entry in ledger.read(release))
        stands = frozen(folded.state, folded.plan)
        if not may_take_over(asked, stands):
            return {}
        found |= stands
    return found
