"""Units of two platforms in one home: released together, kept apart, and each found again from the ledger alone."""

import asyncio

import msgspec
import pytest
from msgspec.structs import replace

from headgate.controller.lease import MemoryLease
from headgate.controller.supervisor import Means, Supervisor
from headgate.controller.world import World
from headgate.core.machine.events import (
    STAMPED_LATER,
    AnyEvent,
    EffectId,
    GatesAnswered,
    ReleaseAborted,
    RoutingSet,
)
from headgate.core.machine.plan import Leg
from headgate.core.model import HOST, Intent, Rollout, Routing, ServiceChange, Stage, Unit, Version
from headgate.core.model.summary import Summary
from headgate.core.release.planning import Policies
from headgate.core.release.submission import Submission
from headgate.ledger import MemoryLedger
from headgate.ledger.projections import fleet_of
from headgate.ledger.spool import MemorySpool
from headgate.ports import Permanent
from headgate.ports.controller import Stopped
from headgate.ports.platform import Platform, Platforms
from headgate.testing.fakes.platform import MemoryPlatform
from tests.controller.house import PATIENCE, intent, play, wait_for

WEB, API = (Unit("shop", "production", service) for service in ("web", "api"))
ROLLOUT = Rollout(stages=(Stage(weight=20, bake_s=2.0),), warm_s=2.0, drain_s=0.2)
WHERE = {WEB: HOST, API: "elsewhere"}


def version(unit: Unit, digit: str) -> Version:
    return Version(unit, digit * 64, digit * 64)


class Home:
    """Two platforms in memory and a ledger; controllers come and go. What is in `gone` is not installed."""

    def __init__(self) -> None:
        self.made = {name: MemoryPlatform() for name in (HOST, "elsewhere")}
        self.gone: set[str] = set()
        self.ledger = MemoryLedger()
        self.slot: list[object] = []

    def _open(self, name: str) -> Platform:
        if name in self.gone or name not in self.made:
            raise Permanent(f"there is no plugin {name!r} of the kind platforms")
        return self.made[name]

    async def controller(self) -> Supervisor:
        platforms = Platforms(lambda: tuple(self.made), self._open)
        means = Means(spool=MemorySpool(), mends=True)
        world, lease = World(platforms, patience=PATIENCE), MemoryLease(self.slot)
        supervisor = Supervisor(self.ledger, world, lease, lambda: 1000.0, means)
        await supervisor.start()
        return supervisor

    async def released(self, supervisor: Supervisor, digit: str, *units: Unit, **where: str) -> Summary:
        name = await supervisor.submit(wish(digit, *units, **where))
        await wait_for(lambda: (found := self.ledger.summary(name)) is not None and found.closed)
        return self.summary(name)

    def summary(self, name: str) -> Summary:
        found = self.ledger.summary(name)
        assert found is not None
        return found

    def events(self, name: str) -> list[AnyEvent]:
        return [entry.event for entry in self.ledger.read(name)]

    def runs(self) -> dict[str, set[Version]]:
        return {name: set(platform.target.running) for name, platform in self.made.items()}

    def stable(self, unit: Unit) -> dict[str, Version | None]:
        """Whom each platform sends the unit's users to."""
        routings = {name: each.traffic.plane.routings.get(unit) for name, each in self.made.items()}
        return {name: routing.stable for name, routing in routings.items() if routing is not None}


def wish(digit: str, *units: Unit, **where: str) -> Submission:
    intents = tuple(
        replace(intent(version(unit, digit), ROLLOUT), platform=where.get(unit.service, WHERE[unit]))
        for unit in units or (WEB, API)
    )
    return Submission(intents, Policies(), "ada")


def test_one_release_over_two_platforms_is_promoted_on_each() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.controller()
        assert (await home.released(supervisor, "1")).outcome == "promoted"
        assert (await home.released(supervisor, "2")).outcome == "promoted"
        assert home.runs() == {HOST: {version(WEB, "2")}, "elsewhere": {version(API, "2")}}
        assert home.stable(WEB) == {HOST: version(WEB, "2")}
        assert home.stable(API) == {"elsewhere": version(API, "2")}
        running = fleet_of(home.ledger)
        assert {unit: run.platform for unit, run in running.items()} == WHERE
        await supervisor.close()

    play(story)


@pytest.mark.parametrize("bad", [WEB, API])
def test_one_release_over_two_platforms_goes_back_on_both(bad: Unit) -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.controller()
        await home.released(supervisor, "1")
        home.made[WHERE[bad]].failing[version(bad, "2")] = 0.5
        assert (await home.released(supervisor, "2")).outcome == "rolled_back"
        assert home.runs() == {HOST: {version(WEB, "1")}, "elsewhere": {version(API, "1")}}
        assert home.stable(WEB) == {HOST: version(WEB, "1")}
        assert home.stable(API) == {"elsewhere": version(API, "1")}
        await supervisor.close()

    play(story)


def test_a_controller_that_only_has_the_ledger_goes_on_where_each_unit_is() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.controller()
        await home.released(supervisor, "1")
        name = await supervisor.submit(wish("2"))
        exposed = home.made["elsewhere"].traffic.plane.routings
        await wait_for(lambda: exposed[API].weight == 20)
        await supervisor.close()
        home.made["elsewhere"].failing[version(API, "2")] = 0.5
        other = await home.controller()
        await wait_for(lambda: home.summary(name).closed)
        assert home.summary(name).outcome == "rolled_back"
        assert home.runs() == {HOST: {version(WEB, "1")}, "elsewhere": {version(API, "1")}}
        await other.close()

    play(story)


def test_a_unit_does_not_change_its_platform_while_it_runs() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.controller()
        await home.released(supervisor, "1", WEB)
        refused = await home.released(supervisor, "2", WEB, web="elsewhere")
        assert refused.outcome == "refused"
        assert "runs on the platform `host`" in refused.reason
        assert home.runs() == {HOST: {version(WEB, "1")}, "elsewhere": set()}
        await supervisor.retire(WEB, "ada", "it moves")
        assert (await home.released(supervisor, "2", WEB, web="elsewhere")).outcome == "promoted"
        assert home.runs() == {HOST: set(), "elsewhere": {version(WEB, "2")}}
        assert home.stable(WEB) == {"elsewhere": version(WEB, "2")}
        await supervisor.close()

    play(story)


def test_what_was_retired_where_nobody_can_look_does_not_come_back_elsewhere() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.controller()
        await home.released(supervisor, "1", API)
        await supervisor.close()
        home.gone.add("elsewhere")
        supervisor = await home.controller()
        assert not (await supervisor.retire(API, "ada", "it moves")).done
        with pytest.raises(Stopped, match="whether it is gone cannot be asked"):
            await supervisor.submit(wish("2", API, api=HOST))
        await supervisor.close()
        home.gone.clear()
        supervisor = await home.controller()
        assert (await home.released(supervisor, "2", API, api=HOST)).outcome == "promoted"
        assert home.runs() == {HOST: {version(API, "2")}, "elsewhere": set()}
        await supervisor.close()

    play(story)


def test_a_platform_that_is_not_here_refuses_its_release_and_no_other() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.controller()
        nowhere = await home.released(supervisor, "1", WEB, web="kubernetes")
        assert nowhere.outcome == "refused"
        assert "no plugin 'kubernetes'" in nowhere.reason
        (answered,) = [one for one in home.events(nowhere.release) if isinstance(one, GatesAnswered)]
        assert [one.check for one in answered.findings] == ["platform"]
        assert (await home.released(supervisor, "1", WEB)).outcome == "promoted"
        await supervisor.close()

    play(story)


def test_a_platform_that_is_gone_is_trouble_and_the_other_goes_on() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.controller()
        await home.released(supervisor, "1")
        await supervisor.close()
        home.gone.add("elsewhere")
        home.made[HOST].target.running.pop(version(WEB, "1"))
        supervisor = await home.controller()
        await wait_for(lambda: str(API) in supervisor.trouble())
        assert "no plugin 'elsewhere'" in supervisor.trouble()[str(API)]
        await wait_for(lambda: version(WEB, "1") in home.made[HOST].target.running)
        assert (await home.released(supervisor, "2", WEB)).outcome == "promoted"
        home.gone.clear()
        await wait_for(lambda: supervisor.trouble() == {})
        await supervisor.close()

    play(story)


def test_a_release_whose_platform_goes_is_held_and_taken_back_once_it_returns() -> None:
    async def story() -> None:
        home = Home()
        supervisor = await home.controller()
        await home.released(supervisor, "1")
        name = await supervisor.submit(wish("2", API))
        routings = home.made["elsewhere"].traffic.plane.routings
        await wait_for(lambda: routings[API].weight == 20)
        await supervisor.close()
        home.gone.add("elsewhere")
        supervisor = await home.controller()
        await asyncio.sleep(60.0)
        assert home.summary(name).outcome is None, "unknown is never success"
        assert (await home.released(supervisor, "2", WEB)).outcome == "promoted"
        assert home.summary(name).phase == "held"
        await supervisor.tell(name, ReleaseAborted(at=STAMPED_LATER, by="ada", reason="it is gone"))
        await asyncio.sleep(60.0)
        assert "no plugin 'elsewhere'" in home.summary(name).reason
        home.gone.clear()
        await wait_for(lambda: home.summary(name).closed)
        assert [one.routing.weight for one in home.events(name) if isinstance(one, RoutingSet)] == [20, 0]
        assert home.runs()["elsewhere"] == {version(API, "1")}
        await supervisor.close()

    play(story)


def test_what_one_platform_remembers_beyond_the_ledger_keeps_the_controller_from_acting() -> None:
    async def story() -> None:
        home = Home()
        there = home.made["elsewhere"]
        await there.target.prepare(EffectId("r7", 1, 0), version(API, "7"), 1)
        routing = Routing(API, intent(version(API, "7")).listener, version(API, "7"))
        await there.traffic.apply(EffectId("r7", 2, 0), routing)
        supervisor = await home.controller()
        assert "r7" in supervisor.trouble()["ledger"]
        await supervisor.close()

    play(story)


def test_what_older_ledgers_hold_ran_on_the_host() -> None:
    """Their bytes name no platform."""
    (wanted,) = wish("1", API).intents
    change = ServiceChange(API, wanted.candidate, None, wanted.listener, platform="elsewhere")
    leg = Leg(change, (), wanted.judge)
    bodies = [msgspec.json.encode(one) for one in (wanted, leg)]
    old = [body.replace(b',"platform":"elsewhere"', b"") for body in bodies]
    assert all(before != body for before, body in zip(old, bodies, strict=True))
    assert msgspec.json.decode(old[0], type=Intent).platform == HOST
    assert msgspec.json.decode(old[1], type=Leg).platform == HOST
