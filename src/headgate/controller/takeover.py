"""Takeover of a release that is taken up again: what happened meanwhile, as facts of its own."""

import asyncio
import contextlib
from collections.abc import Iterable

from headgate.controller.actor import Actor
from headgate.controller.world import World
from headgate.core.home.facts import folded
from headgate.core.machine.ahead import ahead, in_words
from headgate.core.machine.effects import SetRouting
from headgate.core.machine.events import (
    STAMPED_LATER,
    AnyEvent,
    EffectId,
    ReleaseAborted,
    ReleaseResumed,
    WatchResumed,
)
from headgate.core.machine.names import Illegal
from headgate.core.machine.plan import Leg
from headgate.core.machine.state import State
from headgate.ledger import Ledger
from headgate.ports import PortError, Traffic
from headgate.ports.controller import Stopped

UNWATCHED_MIN_S = 5.0
"""A shorter gap is a restart: what it measures of it is one longer sample."""

ASK_WITHIN_S = 5.0


def missed(state: State, now: float) -> AnyEvent | None:
    """That nobody watched for a while, where it matters; `now` is in seconds since the epoch."""
    gap_s = now - state.at
    if gap_s < UNWATCHED_MIN_S or state.stage not in ("forward", "warm"):
        return None
    return WatchResumed(at=STAMPED_LATER, unwatched_s=gap_s)


def unheld(state: State) -> AnyEvent | None:
    """Lifts a hold in which users may be on the bad version: going back needs no person to be tried again."""
    if state.stage != "reverting" or state.hold is None or state.hold.kind != "failed":
        return None
    return ReleaseResumed(at=STAMPED_LATER, by="headgate", reason="going back is tried until it is done")


async def compare(actor: Actor, world: World) -> None:
    """Ask the proxy whether it still sends anybody to the candidate; where it does not, somebody went back.

    To give the candidate its traffic again would be a decision; to finish the way back is the safe side.
    """
    leg = actor.plan.legs[actor.state.leg]
    if not _exposed(actor.state):
        return
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            found = await world.of(leg).traffic.observed(leg.unit)
    except (PortError, TimeoutError):
        return  # unknown: the watch goes on, and says what it cannot measure
    if found is None or found.exposed or found.stable != leg.change.baseline or not _exposed(actor.state):
        return
    release = actor.request.release
    reason = next((one.reason for one in world.retreats.read() if one.release == release), "") or _taken_back(
        leg
    )
    with contextlib.suppress(Illegal, Stopped):
        await actor.tell(ReleaseAborted(at=STAMPED_LATER, by="headgate", reason=reason))


async def world_ahead(ledger: Ledger, world: World) -> str:
    """What a platform has carried out that the ledger knows nothing of, in words; empty where that is nothing.

    Every platform that is installed is asked, for the ledger may not know that it ever used one. What cannot be asked
    is not held against the ledger. Raises LedgerError.
    """
    asked = [_remembered(platform.traffic) for _, platform in world.platforms.installed()]
    remembered = [effect for found in await asyncio.gather(*asked) for effect in found]
    reconciled = folded(note.event for note in ledger.notes()).reconciled
    return in_words(ahead(remembered, lambda release: ledger.summary(release) is not None, reconciled))


async def _remembered(traffic: Traffic) -> tuple[EffectId, ...]:
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            return await traffic.remembered()
    except (PortError, TimeoutError):
        return ()


def settled(world: World, open_releases: Iterable[str]) -> None:
    """Forget the retreats of releases that are over: nothing is left to be done about them."""
    over = {one.release for one in world.retreats.read()} - set(open_releases)
    if over:
        with contextlib.suppress(OSError):  # they are read again, and are over then, too
            world.retreats.clear(over)


def _exposed(state: State) -> bool:
    """True while the ledger says that users reach the candidate, and nothing is on its way to change that."""
    if state.stage != "forward" or any(isinstance(one.effect, SetRouting) for one in state.pending):
        return False
    routing = state.here().routing
    return routing is not None and routing.exposed and not state.here().relief


def _taken_back(leg: Leg) -> str:
    return (
        f"the proxy sends nobody to {leg.change.candidate}, though its release had come to that: "
        "its traffic was taken back while this controller was not there"
    )
