"""Breaks the engine on purpose, one thing at a time, and says how many seeds it takes the simulation to notice.

`make mutants`, or `python -m tests.simulation.mutants [NAME ...]`: at least CAUGHT_MIN of them must be found.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from headgate.controller import actor, perform, sampling, scribe, underway
from headgate.controller import underway as turns
from headgate.core.machine import back, forward, wanted
from headgate.core.machine.events import (
    Judged,
    VersionLost,
    VersionVerified,
    WatchResumed,
)
from headgate.core.machine.plan import Leg, Plan
from headgate.core.machine.state import Pending, State, Watch
from headgate.core.machine.transitions import TRANSITIONS
from headgate.core.model import Routing
from headgate.core.model.summary import Outcome
from headgate.core.release import planning
from headgate.lab.simulation import simulate

SEEDS = 2000
CAUGHT_MIN = 16

Patch = pytest.MonkeyPatch
TABLE: dict[Any, Any] = TRANSITIONS


def unverified_rollback(patch: Patch) -> None:
    """The old version counts as working whatever its checks say."""

    def believe(state: State, event: VersionVerified, plan: Plan) -> State:
        return back.verified(state, replace(event, findings=()), plan)

    patch.setitem(TABLE, ("reverting", VersionVerified), believe)


def crossing_orders(patch: Patch) -> None:
    """An order does not wait for the end of the one before it to the same thing."""

    async def at_once(self: underway.Underway, entry: Pending, before: object) -> None:
        await self._carry_out(entry)

    patch.setattr(underway.Underway, "_in_turn", at_once)
    patch.setattr(turns.Turns, "of", lambda self, version: nullcontext())


def immediate_drain(patch: Patch) -> None:
    """A version is stopped while its last users wait for their answers."""

    async def hasty(*_: object) -> None:
        """Nobody is waited for."""

    patch.setattr(perform.Performer, "_drained", hasty)


def frozen_time_counted(patch: Patch) -> None:
    """A bake goes on while stable itself is in trouble."""
    seen = forward._seen

    def counted(state: State, event: Judged, leg: Leg, watch: Watch) -> State:
        return replace(seen(state, event, leg, watch), frozen_s=0.0)

    patch.setattr(forward, "_seen", counted)


def stale_pass(patch: Patch) -> None:
    """A verdict on the traffic before counts for the traffic now."""
    judged = forward.judged

    def stale(state: State, event: Judged, plan: Plan) -> State:
        watch = state.watch
        if watch is not None and event.verdict.kind == "pass" and state.stage == "forward":
            state = replace(state, watch=replace(watch, exposure=state.here().exposure))
        return judged(state, event, plan)

    patch.setitem(TABLE, ("forward", Judged), stale)


def lost_lease_unseen(patch: Patch) -> None:
    """A controller acts on without asking whether it still may."""
    patch.setattr(perform.Performer, "_require_lease", lambda _: None)


def stable_lost_ignored(patch: Patch) -> None:
    """Nobody minds that there is nothing left to go back to."""

    def shrug(state: State, event: VersionLost, plan: Plan) -> State:
        lost = forward.lost(state, event, plan)
        return state if lost.hold is not None and lost.hold.kind == "stable_lost" else lost

    patch.setitem(TABLE, ("forward", VersionLost), shrug)


def no_deadline(patch: Patch) -> None:
    """A bake that nothing proves goes on and on."""
    patch.setattr(forward, "_unproven", lambda state, event, plan: state)


def gives_up_going_back(patch: Patch) -> None:
    """After a few tries a person is asked to try again."""
    patch.setattr(actor, "tried_until_done", lambda state, effect, plan: False)


def waits_for_the_ledger(patch: Patch) -> None:
    """Nobody is brought back before the ledger can be written."""
    patch.setattr(actor, "needs_no_ledger", lambda pending, state, plan: False)


def acts_before_the_ledger(patch: Patch) -> None:
    """Everything is done at once, whether or not the ledger has it."""
    patch.setattr(actor.Actor, "_may_start", lambda self, pending: True)


def spool_forgotten(patch: Patch) -> None:
    """What could not be written in time is lost with the controller."""
    patch.setattr(scribe, "following", lambda entries, spooled: ())

    async def nothing(*_: object) -> None:
        """Nothing is asked of the world either."""

    patch.setattr("headgate.controller.recover.following", lambda entries, spooled: ())
    patch.setattr("headgate.controller.crew.compare", nothing)


def weight_rises_on_the_way_back(patch: Patch) -> None:
    """Going back sends everybody forward."""

    def worse(leg: Leg) -> Routing:
        return Routing(
            leg.unit, leg.change.listener, stable=leg.change.baseline, canary=leg.change.candidate, weight=100
        )

    patch.setattr(wanted, "undone", worse)


def deaf_to_a_failing_verdict(patch: Patch) -> None:
    """The canary is worse, and nobody acts on it."""

    def deaf(state: State, at: float, plan: Plan, outcome: Outcome, reason: str) -> State:
        return state if "the canary is worse" in reason else back.revert(state, at, plan, outcome, reason)

    patch.setattr(forward, "revert", deaf)


def unwatched_time_counted(patch: Patch) -> None:
    """A clock that jumped over a restart ends a bake and a rollback window."""

    def ignore(state: State, event: WatchResumed, plan: Plan) -> State:
        return state

    patch.setitem(TABLE, ("forward", WatchResumed), ignore)


def sample_counted_twice(patch: Patch) -> None:
    """The next sample begins where the one before began."""

    def forgetful(self: sampling.Watcher, observation: sampling.Observation) -> None:
        self._judge = observation.judge

    patch.setattr(sampling.Watcher, "commit", forgetful)


def hold_nobody_lifts(patch: Patch) -> None:
    """What an earlier controller gave up stays given up."""
    patch.setattr("headgate.controller.crew.unheld", lambda state: None)
    patch.setattr(actor, "tried_until_done", lambda state, effect, plan: False)


def retires_too_early(patch: Patch) -> None:
    """The old version stops as soon as the new one is promoted."""
    patch.setattr(wanted, "_retire", _at_once(wanted._retire))


def barrier_ignored(patch: Patch) -> None:
    """A release goes back although a step of it cannot be undone."""
    patch.setattr(back, "objection_to_revert", lambda state, legs: None)


def fix_begins_anew(patch: Patch) -> None:
    """The fix of a frozen release begins with the first share of its own plan."""
    patch.setattr(planning, "from_there", lambda steps, forward: steps)


def _at_once(retire: Callable[..., Any]) -> Callable[..., Any]:
    def early(state: State, plan: Plan, index: int) -> object:
        legs = tuple(replace(at, cooled=True) for at in state.legs)
        return retire(replace(state, legs=legs), plan, index)

    return early


MUTANTS: tuple[Callable[[Patch], None], ...] = (
    unverified_rollback,
    crossing_orders,
    immediate_drain,
    frozen_time_counted,
    stale_pass,
    lost_lease_unseen,
    stable_lost_ignored,
    no_deadline,
    gives_up_going_back,
    waits_for_the_ledger,
    acts_before_the_ledger,
    weight_rises_on_the_way_back,
    deaf_to_a_failing_verdict,
    unwatched_time_counted,
    sample_counted_twice,
    retires_too_early,
    barrier_ignored,
    fix_begins_anew,
)
"""Eighteen, of which the first eight were once missed."""


class Caught(NamedTuple):
    """What became of a mutant: the seed that found it, if any, with what was said, and how long that took (seconds)."""

    name: str
    seed: int | None
    said: str
    took_s: float


def hunt(name: str, seeds: int = SEEDS) -> Caught:
    """Simulate one seed after another with this mutant, until one of them notices."""
    mutate = next(one for one in MUTANTS if one.__name__ == name)
    began = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        mutate(patch)
        for seed in range(seeds):
            report = simulate(seed)
            if report.violations:
                return Caught(name, seed, str(report.violations[0]), time.perf_counter() - began)
    return Caught(name, None, "", time.perf_counter() - began)


def main(names: list[str]) -> int:
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(hunt, names or [one.__name__ for one in MUTANTS]))
    for one in found:
        where = f"seed {one.seed:>4}" if one.seed is not None else "NOT FOUND"
        print(f"{one.name:32} {where}  {one.took_s:6.1f} s  {one.said[:100]}")
    caught = sum(one.seed is not None for one in found)
    print(f"{caught} of {len(found)} found within {SEEDS} seeds")
    return 0 if caught >= min(CAUGHT_MIN, len(found)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
