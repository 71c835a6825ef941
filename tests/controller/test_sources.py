"""Sources that legs declare: who measures, what one that is down means, and that nobody else waits for it."""

import asyncio
from dataclasses import replace as with_fields
from itertools import pairwise

from msgspec.structs import replace

from headgate.controller.lease import MemoryLease
from headgate.controller.sampling import Watcher
from headgate.controller.sources import OPEN_MAX, Sources
from headgate.controller.supervisor import Supervisor
from headgate.controller.world import World
from headgate.core.machine.events import Judged
from headgate.core.machine.plan import Leg
from headgate.core.model import Arm, Counts, Mean, Source, Unit, Version
from headgate.core.release.planning import Policies, plan
from headgate.core.release.submission import Submission
from headgate.ports import Permanent, Signals, Temporary
from tests.controller.house import (
    ONE,
    PATIENCE,
    TWO,
    WEB,
    Behaviour,
    Home,
    House,
    befall,
    intent,
    play,
    wait_for,
)

PROM, BOOKS = Source("prom", "prometheus", {"url": "http://p:1"}), Source("books", "sql", {"dsn": "x"})

JUDGED = 12
INTERVAL_S = 0.5


class Metered:
    """A source whose counters the test sets."""

    def __init__(self, *arms: Arm) -> None:
        self.arms = list(arms)
        self.does: list[Behaviour] = []
        self.closed = False

    async def read(self, version: Version) -> Arm:
        await befall(self.does)
        return self.arms[0] if version == ONE else self.arms[-1]

    async def aclose(self) -> None:
        self.closed = True


def leg(*sources: Source, measured_by: str = "") -> Leg:
    wanted = replace(intent(TWO), sources=sources, measured_by=measured_by)
    return plan((wanted,), {WEB: ONE}, Policies()).legs[0]


def world(house: House, **opened: Signals) -> World:
    def open_source(source: Source, platform: str) -> Signals:
        if source.name not in opened:
            raise Permanent(f"there is no {source.name}")
        return opened[source.name]

    return with_fields(house.world(), open_source=open_source)


def test_the_source_that_measures_takes_the_proxys_place_and_all_give_means() -> None:
    async def story() -> None:
        house = House(counters={ONE: Counts(10, 0), TWO: Counts(1, 0)})
        prom = Metered(Arm(1000, 10, means={"answered": Mean(1.0, 2)}))
        books = Metered(Arm(7, 7, means={"orders": Mean(3.0, 4)}))
        made = world(house, prom=prom, books=books)
        watcher = Watcher(leg(PROM, BOOKS, measured_by="prom"), made)
        await watcher.open(0.0, 1)
        seen = await watcher.observe(1.0, 20, 1)
        stable = seen.sample.readings[0]
        assert stable is not None
        assert (stable.requests, stable.errors) == (1000, 10)
        assert stable.means == {"answered": Mean(1.0, 2), "orders": Mean(3.0, 4)}
        by_proxy = Watcher(leg(PROM, BOOKS), made)
        await by_proxy.open(0.0, 1)
        stable = (await by_proxy.observe(1.0, 20, 1)).sample.readings[0]
        assert stable is not None
        assert (stable.requests, stable.errors) == (10, 0)

    play(story)


def test_a_source_that_is_down_is_no_data_with_its_name_and_reason() -> None:
    async def story() -> None:
        house = House(counters={ONE: Counts(10, 0), TWO: Counts(1, 0)})
        prom = Metered(Arm(1000, 10))
        for trouble, says in (
            (Temporary("no answer"), "prom: no answer"),
            ("hang", "prom: no answer for web@222222222222-22222222 within 0.5 s"),
            (RuntimeError("a bug"), "prom broke down: RuntimeError: a bug"),
        ):
            watcher = Watcher(leg(PROM, measured_by="prom"), world(house, prom=prom))
            await watcher.open(0.0, 1)
            prom.does = [trouble, trouble]
            seen = await watcher.observe(1.0, 20, 1)
            assert (seen.sample.stable, seen.sample.canary) == (None, None)
            assert says in seen.sample.problems
            assert seen.verdict.kind == "no_data"
        unopened = Watcher(leg(BOOKS), world(house))
        await unopened.open(0.0, 1)
        seen = await unopened.observe(1.0, 20, 1)
        assert seen.sample.canary is not None
        assert seen.sample.problems == ("books: there is no books",) * 2

    play(story)


def test_what_was_silent_loses_nothing() -> None:
    async def story() -> None:
        prom = Metered(Arm(1000, 10), Arm(100, 0))
        watcher = Watcher(leg(PROM, measured_by="prom"), world(House(), prom=prom))
        await watcher.open(0.0, 1)
        prom.does = [Temporary("down"), Temporary("down")]
        watcher.commit(await watcher.observe(1.0, 20, 1))
        prom.arms = [Arm(1500, 15), Arm(180, 2)]
        seen = await watcher.observe(2.0, 20, 1)
        assert seen.sample.stable == Arm(500, 5)
        assert seen.sample.canary == Arm(80, 2)

    play(story)


def test_a_source_that_hangs_delays_no_other_release() -> None:
    """Eight releases side by side, half of them on a source that hangs for a minute at each look."""

    async def story() -> None:
        home = Home()
        hanging = Metered(Arm())
        hanging.does = ["hang"] * 100_000
        signals = world(home.house, prom=hanging)
        patient = with_fields(signals, patience=with_fields(PATIENCE, signal_s=60.0))
        supervisor = Supervisor(home.ledger, patient, MemoryLease(home.slot), lambda: home.wall)
        await supervisor.start()
        began: list[str] = []
        for n in range(8):
            unit = with_service(f"s{n}")
            wanted = replace(intent(Version(unit, "2" * 64, "2" * 64)), sources=(PROM,) if n % 2 else ())
            first = replace(wanted, candidate=Version(unit, "1" * 64, "1" * 64), sources=())
            release = await supervisor.submit(Submission((first,), Policies(), "ada"))
            await home.until_closed(release)
            release = await supervisor.submit(Submission((wanted,), Policies(), "ada"))
            if not n % 2:
                began.append(release)
        await wait_for(lambda: all(len(home.events(one, Judged)) > JUDGED for one in began))
        for release in began:
            at = [event.at for event in home.events(release, Judged)]
            assert max(later - earlier for earlier, later in pairwise(at)) < 2 * INTERVAL_S
        await supervisor.close()

    play(story)


def with_service(name: str) -> Unit:
    return replace(WEB, service=name)


def test_the_same_declaration_on_a_platform_is_one_source_and_all_are_closed() -> None:
    made: list[Metered] = []

    def create(source: Source, platform: str) -> Signals:
        made.append(Metered(Arm()))
        return made[-1]

    async def story() -> None:
        sources = Sources(create)
        again = Source("prom", "prometheus", {"url": "http://p:1"})
        assert sources.open(PROM, "host") is sources.open(again, "host")
        assert sources.open(BOOKS, "host") is not sources.open(PROM, "host")
        other = sources.open(PROM, "elsewhere")
        assert other is not sources.open(PROM, "host")
        for n in range(OPEN_MAX):
            sources.open(Source(f"s{n}", "memory"), "host")
        await asyncio.sleep(0)
        assert [one.closed for one in made[:4]] == [True, True, True, False]
        await sources.aclose()
        assert all(one.closed for one in made)

    play(story)
