"""What the ledger says about a wish: the plan it becomes, the objections to it, and what must be kept running."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from headgate.core.admission import Known, Words, objections
from headgate.core.ahead import ordinal
from headgate.core.events import STAMPED_LATER, ReleaseDequeued, ReleaseRequested
from headgate.core.home import folded, frozen
from headgate.core.model import Intent, Leg, Plan, Unit, Version, worst
from headgate.core.planning import Policies, leaving, plan, plan_back, policies_of
from headgate.core.submission import Submission
from headgate.core.summary import Summary
from headgate.ledger import Ledger
from headgate.ledger.projections import Running, attempts, fleet, rolled_back, rolled_back_versions

HISTORY_MAX = 1_000_000
"""How many releases are looked at to know what runs; a bound far above any real home."""


def request(wish: Submission, ledger: Ledger, at: float) -> ReleaseRequested:
    """The fact that begins a release, asked for at `at` (seconds since the epoch); it gets its name and time later."""
    summaries = ledger.summaries(limit=HISTORY_MAX)
    moving = {unit: run.in_flight for unit, run in fleet(summaries).items() if run.in_flight}
    drawn = _draw(wish.intents, wish.policies, summaries, back=wish.rollback_to is not None)
    stopped = _frozen(wish.intents if wish.rollback_to is None else (), ledger, at)
    known = Known(moving, rolled_back(summaries), rolled_back_versions(summaries), stopped)
    found = objections(wish.intents, drawn, known, wish.words)
    behind = next((moving[intent.unit] for intent in wish.intents if intent.unit in moving), None)
    return ReleaseRequested(
        at=STAMPED_LATER,
        release="",
        intents=wish.intents,
        plan=drawn,
        author=wish.author,
        reason=wish.reason,
        behind=None if worst(found) == "fail" else behind,
        retry_reason=wish.words.retry,
        break_glass_reason=wish.words.break_glass,
        objections=found,
        rollback_to=wish.rollback_to,
    )


def dequeued(asked: ReleaseRequested, before: Plan, ledger: Ledger, at: float) -> ReleaseDequeued:
    """The way is free: draw the plan from what runs now, and ask again what speaks against it."""
    summaries = ledger.summaries(limit=HISTORY_MAX)
    drawn = _draw(asked.intents, policies_of(before), summaries, back=asked.rollback_to is not None)
    words = Words(asked.retry_reason, asked.break_glass_reason)
    stopped = _frozen(asked.intents if asked.rollback_to is None else (), ledger, at)
    known = Known({}, rolled_back(summaries), rolled_back_versions(summaries), stopped)
    found = objections(asked.intents, drawn, known, words)
    return ReleaseDequeued(at=STAMPED_LATER, plan=drawn, objections=found)


def free_name(ledger: Ledger) -> str:
    """A name for a new release: of none in the ledger, and of none that the world has done without it."""
    done = folded(note.event for note in ledger.notes()).reconciled
    return f"r{max(ordinal(ledger.next_release()), *(ordinal(one) + 1 for one in done), 1)}"


def stable(unit: Unit, ledger: Ledger) -> Version | None:
    """What the unit runs, by what the ledger says was promoted last; only as many releases are read as it takes."""
    page = _newest(unit, ledger)
    while page:
        for summary in page:
            if summary.outcome == "promoted":
                found = next((move.after for move in summary.moves if move.unit == unit), None)
                if found is not None:
                    return found
        page = _newest(unit, ledger, page[-1].release)
    return None


def _newest(unit: Unit, ledger: Ledger, before: str | None = None) -> list[Summary]:
    return ledger.summaries(
        environment=unit.environment, project=unit.project, service=unit.service, before=before
    )


def _frozen(intents: Iterable[Intent], ledger: Ledger, at: float) -> Mapping[Unit, str]:
    """What a freeze forbids to change; a way back is never forbidden, and so not asked about."""
    home = folded(note.event for note in ledger.notes())
    return frozen(home, (intent.unit for intent in intents), at)


def _draw(
    intents: tuple[Intent, ...], policies: Policies, summaries: Iterable[Summary], *, back: bool
) -> Plan:
    draw = plan_back if back else plan
    running = fleet(summaries)
    listeners = {unit: run.listener for unit, run in running.items() if run.listener is not None}
    drawn = leaving(draw(intents, _stable(running), policies), listeners)
    tried = attempts(summaries)
    return replace(drawn, legs=tuple(_attempt(leg, tried.get(leg.candidate, 0)) for leg in drawn.legs))


def _attempt(leg: Leg, earlier: int) -> Leg:
    """The same again spends less of what a false rollback may cost."""
    return replace(leg, judge=replace(leg.judge, retry=earlier))


def _stable(running: Mapping[Unit, Running]) -> Mapping[Unit, Version]:
    return {unit: run.stable for unit, run in running.items() if run.stable is not None}
