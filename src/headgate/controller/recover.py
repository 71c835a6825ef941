"""Recovery of a release from the ledger's entries: its state, and the judge's memory with it."""

from collections.abc import Callable, Iterable, Sequence

from headgate.controller.actor import Release
from headgate.controller.sampling import Watcher
from headgate.controller.scribe import following
from headgate.controller.world import World
from headgate.core.again.replay import answered
from headgate.core.machine.asking import initial
from headgate.core.machine.events import AnyEvent, Judged, ReleaseDequeued, ReleaseRequested
from headgate.core.machine.names import Illegal
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import State
from headgate.core.machine.step import step
from headgate.core.model import Sample
from headgate.ledger import Entry, LedgerCorrupt
from headgate.ledger.spool import Unwritten


def recover(
    entries: Sequence[Entry],
    world: World,
    sample: Callable[[str], Sample | None],
    spooled: Iterable[Unwritten] = (),
) -> Release:
    """Fold the entries of one release. What was pending is pending again; performing it is the actor's.

    What is in the spool and not in the ledger yet comes after them.

    Raises LedgerCorrupt when the entries do not begin with a request, or do not follow from one another.
    """
    first = entries[0].event if entries else None
    if not isinstance(first, ReleaseRequested):
        raise LedgerCorrupt(f"release {entries[0].release if entries else '?'} does not begin with a request")
    release = Release(first, first.plan, initial(first.release, first.plan), watch_over(first.plan, world))
    for entry in entries:
        _take_in(release, entry.event, entry.number, world, sample)
    release.spooled = following(len(entries), spooled)
    kept = {event.sample: one.sample for one in release.spooled if isinstance(event := one.event, Judged)}
    for one in release.spooled:
        _take_in(
            release, one.event, one.expected + 1, world, lambda digest: kept.get(digest) or sample(digest)
        )
    return release


def watch_over(plan: Plan, world: World) -> tuple[Watcher, ...]:
    """A fresh watcher for each leg."""
    return tuple(Watcher(leg, world) for leg in plan.legs)


def _take_in(
    release: Release, event: AnyEvent, number: int, world: World, sample: Callable[[str], Sample | None]
) -> None:
    if isinstance(event, ReleaseDequeued):
        release.plan, release.watchers = event.plan, watch_over(event.plan, world)
    if isinstance(event, Judged):
        _replay(release.state, release.watchers, event, sample(event.sample))
    try:
        release.state, _ = step(release.state, event, release.plan)
    except Illegal as illegal:
        raise LedgerCorrupt(
            f"entry {number} of {release.request.release} does not follow from those before it: {illegal}"
        ) from illegal


def _replay(state: State, watchers: tuple[Watcher, ...], event: Judged, sample: Sample | None) -> None:
    look = answered(state, event)
    if sample is not None and look is not None:
        watchers[look.leg].replay(sample, look.exposure, deadline=look.deadline)
