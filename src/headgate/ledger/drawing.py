"""The plan of a request, with all that the ledger adds to it: the same for `plan` and for the controller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from headgate.core.home.facts import Home
from headgate.core.machine.plan import Leg, Plan
from headgate.core.model import Intent, Unit
from headgate.core.model.summary import Summary
from headgate.core.release.planning import Policies, leaving, plan, plan_back
from headgate.ledger.legality import Legality, legality
from headgate.ledger.projections import Running, attempts, places
from headgate.ledger.store import Ledger
from headgate.ledger.workloads import workloads


@dataclass(frozen=True)
class Drawn:
    """A plan, and what has become impossible of what was asked for."""

    plan: Plan
    legality: Legality


def draw(
    intents: tuple[Intent, ...],
    policies: Policies,
    ledger: Ledger,
    summaries: Sequence[Summary],
    running: Mapping[Unit, Running],
    home: Home,
    *,
    back: bool = False,
) -> Drawn:
    """The plan for these; `summaries` are all releases, newest first. `back`: a person orders a rollback to them.

    Raises LedgerError.
    """
    legal = legality(intents, ledger, summaries, running, home)
    stable = {unit: run.stable for unit, run in running.items() if run.stable is not None}
    if back:
        found = plan_back(legal.intents, stable, policies)
    else:
        traffic = workloads(ledger, [intent.unit for intent in intents])
        found = plan(legal.intents, stable, policies, legal.forward, traffic)
    found, tried = leaving(found, places(running)), attempts(summaries)
    legs = tuple(_attempt(leg, tried.get(leg.change.candidate, 0)) for leg in found.legs)
    return Drawn(replace(found, legs=legs), legal)


def _attempt(leg: Leg, earlier: int) -> Leg:
    """The same again spends less of what a false rollback may cost."""
    return replace(leg, judge=replace(leg.judge, retry=earlier))
