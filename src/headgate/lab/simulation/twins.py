"""The ports' twins: they act on the town, through the weather, under the eyes of the witness."""

import contextlib
import math
from collections.abc import Callable, Generator

from headgate.core.machine.events import AnyEvent, EffectId
from headgate.core.machine.plan import Plan
from headgate.core.model import HOST, Applied, Arm, Command, Finding, Mean, Routing, Sample, Unit, Version
from headgate.core.model.summary import Summary
from headgate.lab.simulation.loop import LIFE, Life
from headgate.lab.simulation.scenario import PLATFORMS
from headgate.lab.simulation.town import Town, shares
from headgate.lab.simulation.weather import Weather
from headgate.lab.simulation.witness import Witness
from headgate.ledger import Entry, LedgerBusy, LedgerFull
from headgate.ledger.chain import Record
from headgate.ledger.memory import MemoryLedger
from headgate.ledger.spool import MemorySpool, Unwritten
from headgate.ports import Instance, Permanent, Ran
from headgate.ports.platform import Made, Platform, Platforms


class Hands:
    """Gives orders to the town; every order is witnessed before it is accepted."""

    def __init__(self, town: Town, weather: Weather, witness: Witness) -> None:
        self.town = town
        self.weather = weather
        self.witness = witness
        self._under_way: set[tuple[Life | None, str, object]] = set()

    async def give(
        self, call: str, thing: object, effect: EffectId, act: Callable[[], None], takes_s: float
    ) -> None:
        """Have an order accepted, through whatever befalls it, and wait for it. Raises Permanent when it is stale."""
        with self._taking(call, thing):
            await self._give(call, thing, effect, act, takes_s)

    @contextlib.contextmanager
    def _taking(self, call: str, thing: object) -> Generator[None]:
        """One order to a thing at a time, from one controller."""
        place = (LIFE.get(None), call, thing)
        self.witness.found(10, f"two orders to {call} {thing} cross" if place in self._under_way else "")
        self._under_way.add(place)
        try:
            yield
        finally:
            self._under_way.discard(place)

    async def _give(
        self, call: str, thing: object, effect: EffectId, act: Callable[[], None], takes_s: float
    ) -> None:
        await self.weather.danger(f"before {call}")
        fault = self.weather.draw(call)
        if fault != "lost":
            await self.weather.befall(call, fault)
        order = self.town.order(thing, effect, act, takes_s)
        await self.weather.danger(f"during {call}")
        if fault == "lost":
            await self.weather.befall(call, "hang")
        await order.done.wait()
        await self.weather.danger(f"after {call}")
        if order.dropped:
            raise Permanent(f"{effect} is stale: a newer order has taken its place")


class TwinTarget:
    """Implements Target, for the units of a platform."""

    def __init__(self, hands: Hands, platform: str) -> None:
        self._hands = hands
        self._town = hands.town
        self._platform = platform

    async def prepare(self, effect: EffectId, version: Version, instances: int) -> None:
        """See Target."""
        self._hands.witness.is_of(self._platform, version.unit)
        self._hands.witness.prepares(effect, version, instances)
        if self._town.done.get(effect) == instances == self._town.running.get(version):
            return
        takes_s = self._hands.weather.takes_s(0.2, 2.0)
        start = self._start(effect, version, instances)
        await self._hands.give("prepare", version, effect, start, takes_s)
        if self._town.make(version).flaw == "crash":
            raise Permanent(f"{version} exits at once")

    def _start(self, effect: EffectId, version: Version, instances: int) -> Callable[[], None]:
        if self._town.make(version).flaw == "crash":
            return lambda: None
        return lambda: self._town.start(effect, version, instances)

    async def stop(self, effect: EffectId, version: Version, drain_s: float) -> None:
        """See Target."""
        self._hands.witness.is_of(self._platform, version.unit)
        self._hands.witness.stops(effect, version)
        if effect in self._town.done:
            return
        takes_s = self._hands.weather.takes_s(0.0, 0.5)
        await self._hands.give("stop", version, effect, lambda: self._town.stop(effect, version), takes_s)

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        """See Target."""
        self._hands.witness.is_of(self._platform, version.unit)
        await self._hands.weather.befall("inspect", self._hands.weather.draw("inspect"))
        return tuple(
            Instance(f"{n}", f"127.0.0.1:{9000 + n}", ready=True)
            for n in range(self._town.running.get(version, 0))
        )

    async def check(self, version: Version, smoke: tuple[str, ...] | None = None) -> tuple[Finding, ...]:
        """See Target."""
        self._hands.witness.is_of(self._platform, version.unit)
        fault = self._hands.weather.draw("check")
        if fault == "unknown":
            return (Finding("smoke", "unknown", "no answer"),)
        await self._hands.weather.befall("check", fault)
        if not self._town.running.get(version):
            return (Finding("ready", "fail", f"{version} does not run"),)
        if smoke is not None and self._town.make(version).flaw == "smoke":
            return (Finding("order", "fail", "no order was completed"),)
        return (Finding("ready", "pass", "as it should be"),)

    async def execute(
        self, effect: EffectId, version: Version, command: Command, *, undo: bool = False
    ) -> Ran:
        """See Target. What nobody knows of may have been carried out all the same."""
        if effect in self._town.ran:
            return Ran(self._town.ran[effect])
        drawn = self._hands.weather.draw("outcome")
        outcome: Applied = "not_applied" if drawn == "not_applied" else "unknown" if drawn else "applied"
        change = (version.unit, command.name)

        def act() -> None:
            self._town.execute(effect, change, outcome, undo=undo)

        await self._hands.give("execute", change, effect, act, self._hands.weather.takes_s(0.1, 1.0))
        return Ran(self._town.ran[effect])


class TwinTraffic:
    """Implements Traffic, for the units of a platform."""

    def __init__(self, hands: Hands, platform: str) -> None:
        self._hands = hands
        self._town = hands.town
        self._platform = platform

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        """See Traffic."""
        self._hands.witness.is_of(self._platform, routing.unit)
        self._hands.witness.routes(effect, routing)
        takes_s = self._hands.weather.takes_s(0.01, 0.3)
        await self._hands.give(
            "apply", routing.unit, effect, lambda: self._town.route(effect, routing), takes_s
        )

    async def observed(self, unit: Unit) -> Routing | None:
        """See Traffic."""
        self._hands.witness.is_of(self._platform, unit)
        await self._hands.weather.befall("observed", self._hands.weather.draw("observed"))
        return self._town.routing.get(unit)

    async def remembered(self) -> tuple[EffectId, ...]:
        """See Traffic."""
        return self._town.applied(self._platform)

    async def withdraw(self, unit: Unit) -> None:
        """See Traffic."""
        await self._hands.weather.befall("observed", self._hands.weather.draw("observed"))
        self._town.routing.pop(unit, None)

    async def idle(self, unit: Unit) -> bool:
        """See Traffic."""
        self._hands.witness.is_of(self._platform, unit)
        fault = self._hands.weather.draw("idle")
        if fault == "busy":
            return False
        await self._hands.weather.befall("idle", fault)
        routing = self._town.routing.get(unit)
        served = shares(routing) if routing is not None else {}
        self._town.quiet |= {one for one in self._town.left_at if one.unit == unit and one not in served}
        return True


class TwinSignals:
    """Implements Signals, for the units of a platform."""

    def __init__(self, hands: Hands, platform: str) -> None:
        self._hands = hands
        self._town = hands.town
        self._platform = platform

    async def read(self, version: Version) -> Arm:
        """See Signals."""
        self._hands.witness.is_of(self._platform, version.unit)
        fault = self._hands.weather.draw("read")
        if fault == "nan":
            return Arm(means={"orders": Mean(math.nan, 1)})
        if fault == "negative":
            return Arm(requests=-1)
        if fault == "reset":
            self._town.reset(version)
        else:
            await self._hands.weather.befall("read", fault)
        return self._town.read(version)


class TwinPlatforms(Platforms):
    """The platforms of a scenario. One of them is not to be had at times, as if its plugin were gone."""

    def __init__(self, hands: Hands) -> None:
        made = {name: _platform(hands, name) for name in PLATFORMS}
        super().__init__(lambda: PLATFORMS, lambda name: made[name])
        self._weather = hands.weather

    def open(self, name: str) -> Platform:
        """See Platforms."""
        if name != HOST and self._weather.shut("platform"):
            self._weather.counts["platform gone"] += 1
            raise Permanent(f"there is no plugin {name!r} of the kind platforms")
        return super().open(name)


def _platform(hands: Hands, name: str) -> Platform:
    return Made(TwinTarget(hands, name), TwinTraffic(hands, name), (TwinSignals(hands, name),))


class TwinGate:
    """Implements Gate: production is ready unless the weather says otherwise."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    async def ask(self, plan: Plan) -> tuple[Finding, ...]:
        """See Gate."""
        fault = self._hands.weather.draw("gate")
        if fault == "unknown":
            return (Finding("gate", "unknown", "nobody knows"),)
        await self._hands.weather.befall("gate", fault)
        return (Finding("gate", "pass", "ready"),)


class TwinLedger(MemoryLedger):
    """The ledger in memory, busy or full or slow at times; everything that is appended is witnessed."""

    def __init__(self, weather: Weather, witness: Witness) -> None:
        super().__init__()
        self._weather = weather
        self._witness = witness

    def newest(self) -> Record:
        """The entry that was written last, undecoded."""
        return self._records[-1]

    async def append(
        self, release: str, expected: int, event: AnyEvent, summary: Summary, sample: Sample | None = None
    ) -> Entry:
        """See Ledger."""
        self._witness.decided(Unwritten(release, expected, event, summary, sample))
        await self._weather.danger("before append")
        fault = self._weather.draw("append")
        if fault == "busy":
            raise LedgerBusy("another process holds the ledger's lock")
        if fault == "full":
            raise LedgerFull("no room is left")
        await self._weather.befall("append", fault)
        entry = await super().append(release, expected, event, summary, sample)
        self._witness.appended(entry, summary, sample)
        await self._weather.danger("after append")
        return entry


class TwinSpool(MemorySpool):
    """The spool in memory, which outlives every controller, and has no room at times."""

    def __init__(self, weather: Weather, witness: Witness) -> None:
        super().__init__()
        self._weather = weather
        self._witness = witness

    async def add(self, entry: Unwritten) -> None:
        """See Spool."""
        self._witness.decided(entry)
        if self._weather.draw("spool"):
            raise LedgerFull("no room is left beside the ledger either")
        await super().add(entry)
