"""Retirement of a unit: a fact first, then no traffic, then no processes, tried until that is so."""

import asyncio
from collections.abc import Callable, Iterable

from headgate.controller.perform import Performer
from headgate.controller.world import World
from headgate.core.home.facts import UnitRetired
from headgate.core.machine.effects import StopVersion
from headgate.core.machine.events import EffectFailed, EffectId
from headgate.core.machine.plan import Plan
from headgate.core.model import Placed, Unit, Version
from headgate.core.model.summary import Move
from headgate.ledger import Conflict, Ledger
from headgate.ledger.projections import Running, fleet_of, releases_of, retired
from headgate.ledger.store import HOME, Note
from headgate.ports import PortError
from headgate.ports.controller import Retired, Unretirable

NOTES_TRIED = 20
DRAIN_S = 10.0
"""How long requests under way have until what answers them is stopped."""

VERSIONS_MAX = 50
"""So many versions of a unit are looked for, the newest first: a bound far above those that run at a time."""


class Retiring:
    """What the ledger says is retired, made so. One at a time for each unit."""

    def __init__(self, ledger: Ledger, world: World, performer: Performer, wall: Callable[[], float]) -> None:
        self._ledger = ledger
        self._world = world
        self._performer = performer
        self._wall = wall
        self._locks: dict[Unit, asyncio.Lock] = {}
        self._begun: set[Unit] = set()

    def busy(self, units: Iterable[Unit]) -> str:
        """That one of these is being taken away just now, in words; empty: none is."""
        gone = next((unit for unit in units if unit in self._begun), None)
        return "" if gone is None else f"{gone} is being retired just now: deploy it when that is done"

    async def record(self, unit: Unit, by: str, reason: str) -> None:
        """Write down that the unit is no longer wanted; nothing, when it is retired already.

        Raises Unretirable when a release moves it, or nothing of it runs; LedgerError.
        """
        run = fleet_of(self._ledger).get(unit)
        if run is None and unit in retired(self._ledger.notes()):
            return
        release = _promoted(unit, run)
        event = UnitRetired(at=self._wall(), by=by, unit=unit, release=release, reason=reason)
        number = 0
        for _ in range(NOTES_TRIED):
            number = next((note.number for note in self._ledger.notes()[-1:]), 0)
            try:
                await self._ledger.note(number, event)
            except Conflict:
                continue
            self._begun.add(unit)
            return
        raise Conflict(HOME, number, number + 1)

    async def carry_out(self, unit: Unit) -> Retired:
        """Take it away, as far as that is not done. Doing it again does nothing."""
        async with self._locks.setdefault(unit, asyncio.Lock()):
            note = self._standing(unit)
            if note is None:
                self._begun.discard(unit)
                return Retired(unit, done=True)
            self._begun.add(unit)
            try:
                trouble = await self._taken_away(unit, note)
            finally:
                self._begun.discard(unit)
            return Retired(unit, done=not trouble, trouble=trouble)

    async def make_way(self, wanted: Iterable[Placed]) -> str:
        """Finish what is retired and not gone yet, before it may come back; returns what stands in the way.

        Where it ran on another platform it must be known to be gone: a release would not come across it.
        """
        for placed in wanted:
            unit = placed.unit
            if busy := self.busy((unit,)):
                return busy
            if self._standing(unit) is None:
                continue
            platforms = {move.platform for move, _ in self._released(unit)}
            trouble = await self.finished(unit, unknown=platforms != {placed.platform})
            if trouble:
                return f"{unit}: {trouble}"
        return ""

    def retired(self) -> tuple[Unit, ...]:
        """The units that are retired, and that nothing has brought back. Raises LedgerError."""
        running = fleet_of(self._ledger)
        return tuple(unit for unit in retired(self._ledger.notes()) if unit not in running)

    async def finished(self, unit: Unit, *, unknown: bool = True) -> str:
        """Take away what is still there of a retired unit; returns what stands in the way. Raises LedgerError.

        `unknown`: that it cannot be asked whether anything is there stands in the way, too.
        """
        try:
            if not await self._there(unit):
                return ""
        except PortError as error:
            return f"it is retired, and whether it is gone cannot be asked: {error}" if unknown else ""
        answer = await self.carry_out(unit)
        return "" if answer.done else f"it is retired and not gone yet: {answer.trouble}"

    def _standing(self, unit: Unit) -> Note | None:
        """The retirement that nothing has undone: no release has brought the unit back, and none moves it."""
        if unit in fleet_of(self._ledger):
            return None
        found = [
            note
            for note in self._ledger.notes()
            if isinstance(note.event, UnitRetired) and note.event.unit == unit
        ]
        return found[-1] if found else None

    async def _taken_away(self, unit: Unit, note: Note) -> str:
        """Traffic first, so that nobody is sent to what stops. Returns what stands in the way."""
        released = self._released(unit)
        try:
            for move in {move.platform: move for move, _ in released}.values():
                await self._performer.withdraw(move)
        except PortError as error:
            return str(error)
        trouble: list[str] = []
        for n, (move, version) in enumerate(released):
            id_, stop = EffectId(HOME, note.number, n), StopVersion(version, DRAIN_S)
            answer = await self._performer.perform(id_, stop, Plan(()), placed=move)
            if isinstance(answer, EffectFailed):
                trouble.append(answer.reason)
        return "; ".join(trouble)

    async def _there(self, unit: Unit) -> bool:
        released = self._released(unit)
        for move in {move.platform: move for move, _ in released}.values():
            if await self._world.of(move).traffic.observed(unit) is not None:
                return True
        return any([await self._world.of(move).target.inspect(version) for move, version in released])

    def _released(self, unit: Unit) -> tuple[tuple[Move, Version], ...]:
        """What was ever released of it, the newest first, each with the move that says on which platform."""
        found: dict[tuple[str, Version], Move] = {}
        done = (one for one in releases_of(self._ledger, unit) if one.outcome != "refused")
        for summary in done:
            for move in (move for move in summary.moves if move.unit == unit):
                for version in (move.after, move.before):
                    if version is not None:
                        found.setdefault((move.platform, version), move)
            if len(found) >= VERSIONS_MAX:
                break
        return tuple((move, version) for (_, version), move in found.items())


def _promoted(unit: Unit, run: Running | None) -> str:
    """The release that promoted what runs. Raises Unretirable."""
    moving = next(iter([run.in_flight] if run and run.in_flight else run.waiting if run else ()), None)
    if moving is not None:
        raise Unretirable(f"{moving} is moving {unit}: `headgate abort {moving}` first, or wait for its end")
    if run is None or run.release is None:
        raise Unretirable(f"nothing of {unit} runs, as far as the ledger knows")
    return run.release
