"""Reconciliation of what the ledger says with what runs: mends what is safe to mend, and says the rest.

Safe is what the ledger has an effect for: the newest that prepared or routed the version is performed once more under
its own identity, so that whatever came after it anywhere stays as it is. A unit that a release moves is left alone.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from headgate.controller.perform import Performer
from headgate.controller.retiring import Retiring
from headgate.controller.world import World
from headgate.core.machine.effects import PrepareVersion
from headgate.core.machine.events import EffectFailed, EffectId, RoutingSet, VersionPrepared
from headgate.core.machine.plan import Plan
from headgate.core.model import Routing, Unit
from headgate.core.model.summary import Summary
from headgate.ledger import Ledger, LedgerError
from headgate.ledger.projections import Running, fleet_of, releases_of
from headgate.ledger.sizes import sized
from headgate.ports import PortError

ROUND_S = 10.0
PATIENCE_ROUNDS = 3
"""What is not ready for so many rounds in a row is said: until then restarts have their chance."""

RELEASES_READ = 50
"""So many releases of a unit are looked through for what prepared and routed what it runs; the newest ones."""


class Reconciler:
    """Runs beside the usher. `trouble` says, by unit, what is not as the ledger says and could not be mended.

    `still` gives the units that no release moves; within `admitting` none begins to.
    """

    def __init__(
        self,
        ledger: Ledger,
        world: World,
        performer: Performer,
        retiring: Retiring,
        admitting: Callable[[], AbstractAsyncContextManager[object]],
    ) -> None:
        self._ledger = ledger
        self._world = world
        self._performer = performer
        self._retiring = retiring
        self._admitting = admitting
        self._unready: dict[Unit, int] = {}
        self.trouble: dict[str, str] = {}

    async def run(self) -> None:
        """Round after round, until cancelled. What cannot be asked is said, and asked again."""
        while True:
            await asyncio.sleep(ROUND_S)
            await self.round()

    async def round(self) -> None:
        """Look at every unit once."""
        found: dict[str, str] = {}
        try:
            running = sized(self._ledger, fleet_of(self._ledger))
            for unit in self._retiring.retired():
                if trouble := await self._retiring.finished(unit):
                    found[str(unit)] = trouble
        except Exception as error:  # noqa: BLE001 - whatever cannot be asked is said, and the next round asks again
            self.trouble = {"reconcile": f"what runs cannot be compared with the ledger: {error}"}
            return
        for unit, run in running.items():
            trouble = await self._looked(unit, run)
            if trouble:
                found[str(unit)] = trouble
        self._unready = {unit: n for unit, n in self._unready.items() if unit in running}
        self.trouble = found

    async def _looked(self, unit: Unit, run: Running) -> str:
        """What is wrong with a unit after mending what can be mended; empty: nothing, or a release moves it."""
        if run.in_flight is not None or run.stable is None:
            return ""
        try:
            async with asyncio.timeout(self._world.patience.check_s):
                return await self._sized(unit, run) or await self._routed(unit, run)
        except TimeoutError:
            return "it cannot be asked how it is: no answer in time"
        except LedgerError as error:
            return f"it cannot be compared with the ledger: {error}"
        except Exception as error:  # noqa: BLE001 - a fault in a plugin is said, and the next round asks again
            return f"it cannot be asked how it is: {error}"

    async def _sized(self, unit: Unit, run: Running) -> str:
        """Have as many ready instances as are recorded: at once, then ever more seldom, by what prepared them."""
        assert run.stable is not None, "asked for units that run something"
        instances = await self._world.of(run).target.inspect(run.stable)
        ready = sum(one.ready for one in instances)
        if ready >= run.instances:
            self._unready.pop(unit, None)
            return ""
        rounds = self._unready[unit] = self._unready.get(unit, 0) + 1
        restarts = max((one.restarts for one in instances), default=0)
        often = f" (one was restarted {restarts} times)" if restarts else ""
        said = f"{ready} of {run.instances} instances are ready{often}"
        trouble = await self._prepared(unit, run) if rounds & (rounds - 1) == 0 else ""
        if trouble:
            return f"{said}: {trouble}"
        return said if rounds >= PATIENCE_ROUNDS else ""

    async def _prepared(self, unit: Unit, run: Running) -> str:
        """Prepare the version once more; returns what stands in the way."""
        assert run.stable is not None, "asked for units that run something"
        found = self._newest_prepared(unit, run)
        if found is None:
            return "the ledger does not say what prepared them; deploy it again"
        if self._moves(unit):
            return ""
        # A release that begins now gives orders of its own, and is the newer one: its orders overtake this.
        again = PrepareVersion(run.stable, run.instances)
        answer = await self._performer.perform(found, again, Plan(()), placed=run)
        return f"more cannot be had: {answer.reason}" if isinstance(answer, EffectFailed) else ""

    async def _routed(self, unit: Unit, run: Running) -> str:
        """Have the proxy do what it confirmed last; a proxy that is silent is looked after elsewhere, and said."""
        found = self._newest_routed(unit)
        if found is None:
            return ""
        id_, routing = found
        try:
            observed = await self._world.of(run).traffic.observed(unit)
        except PortError as error:
            return f"the proxy does not say what it does: {error}"
        if observed == routing:
            return ""
        async with self._admitting():
            if self._moves(unit):
                return ""
            try:
                async with asyncio.timeout(self._world.patience.routing_s):
                    await self._performer.routed(id_, routing, run)
            except (PortError, TimeoutError) as error:
                return f"the proxy does not route it as recorded: {error}"
        return ""

    def _moves(self, unit: Unit) -> bool:
        run = fleet_of(self._ledger).get(unit)
        return run is None or run.in_flight is not None

    def _newest_prepared(self, unit: Unit, run: Running) -> EffectId | None:
        for summary in self._releases(unit):
            for entry in reversed(self._ledger.read(summary.release)):
                if isinstance(entry.event, VersionPrepared) and entry.event.version == run.stable:
                    return entry.event.effect
        return None

    def _newest_routed(self, unit: Unit) -> tuple[EffectId, Routing] | None:
        for summary in self._releases(unit):
            for entry in reversed(self._ledger.read(summary.release)):
                if isinstance(entry.event, RoutingSet) and entry.event.routing.unit == unit:
                    return entry.event.effect, entry.event.routing
        return None

    def _releases(self, unit: Unit) -> Iterable[Summary]:
        return releases_of(self._ledger, unit, RELEASES_READ)
