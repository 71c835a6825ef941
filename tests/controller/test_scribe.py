"""While the ledger cannot be written users are taken to the safe side, and afterwards nothing is missing."""

import asyncio

import pytest

from headgate.controller.scribe import BEGIN_WITHIN_S, PROMPT_S
from headgate.core.machine.events import AnyEvent, EffectId, Judged, ReleaseAborted, RoutingSet
from headgate.core.model import Routing, Sample
from headgate.core.model.summary import Summary
from headgate.ledger import Entry, LedgerBusy, LedgerError, MemoryLedger
from headgate.ledger.spool import MemorySpool
from headgate.ledger.verify import verify
from tests.controller.house import TWO, Home, House, play, wait_for, wish

ABORT = ReleaseAborted(at=0.0, by="ada")


class Shut(MemoryLedger):
    """A ledger that cannot be written while it is `shut`: it refuses at once, or `hangs`."""

    def __init__(self) -> None:
        super().__init__()
        self.shut = False
        self.hangs = False
        self.refused = 0

    async def append(
        self, release: str, expected: int, event: AnyEvent, summary: Summary, sample: Sample | None = None
    ) -> Entry:
        while self.hangs:  # noqa: ASYNC110 - a disk has no event to wait for
            await asyncio.sleep(0.01)
        if self.shut:
            self.refused += 1
            raise LedgerBusy("a backup holds the ledger's lock")
        return await super().append(release, expected, event, summary, sample)


class Watched(House):
    """Remembers under which identity traffic was moved."""

    def __init__(self) -> None:
        super().__init__()
        self.applied: list[tuple[EffectId, Routing]] = []

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        self.applied.append((effect, routing))
        await super().apply(effect, routing)


async def canary(home: Home) -> None:
    """Version two has a fifth of the traffic, and its release is being baked."""
    supervisor = await home.with_one()
    home.supervisor = supervisor  # type: ignore[attr-defined]
    await supervisor.submit(wish(TWO))
    await home.until("r2", "baking")


def shut_home() -> tuple[Home, Shut, Watched]:
    ledger, house = Shut(), Watched()
    return Home(house, ledger), ledger, house


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_a_bad_canary_is_off_traffic_before_the_ledger_can_be_written(how: str) -> None:
    home, ledger, house = shut_home()

    async def story() -> None:
        await canary(home)
        ledger.shut, ledger.hangs = how == "refuses", how == "hangs"
        house.failing[TWO] = 0.9
        began = asyncio.get_running_loop().time()
        await wait_for(lambda: house.routing is not None and not house.routing.exposed, within_s=5.0)
        assert asyncio.get_running_loop().time() - began < 4.0
        written = len(home.events("r2"))
        assert home.phase("r2") == "baking"  # the ledger knows nothing of it yet, ...
        trouble = home.supervisor.health()["trouble"]  # type: ignore[attr-defined]
        assert how == "hangs" or "what happens meanwhile is kept beside it" in trouble["r2"]
        assert "stop 2" not in house.calls  # ... and nothing but that is done without it
        ledger.shut = ledger.hangs = False
        await home.until_closed("r2")
        events = home.events("r2")
        assert len(events) > written
        moved = [
            effect for effect, routing in house.applied if effect.release == "r2" and not routing.exposed
        ]
        confirmed = [one.effect for one in events if isinstance(one, RoutingSet) and not one.routing.exposed]
        assert set(moved) == set(confirmed)  # under the identity that the ledger now has
        assert verify(ledger).broken is None

    play(story)


def test_no_sample_of_that_time_is_missing() -> None:
    home, ledger, _ = shut_home()

    async def story() -> None:
        await canary(home)
        ledger.shut = True
        await asyncio.sleep(30.0)
        ledger.shut = False
        await home.until_closed("r2")
        judged = home.events("r2", Judged)
        samples = [ledger.sample(event.sample) for event in judged if isinstance(event, Judged)]
        ends = [sample.at for sample in samples if sample is not None]
        assert len(ends) == len(judged)
        assert sum(sample.interval_s for sample in samples if sample) == pytest.approx(
            ends[-1] - ends[0], abs=2.0
        )

    play(story)


def test_nothing_goes_forward_without_the_ledger() -> None:
    home, ledger, house = shut_home()

    async def story() -> None:
        await canary(home)
        ledger.shut = True
        orders = list(house.calls)
        await asyncio.sleep(120.0)
        assert house.calls == orders
        ledger.shut = False
        await home.until_closed("r2")
        assert home.ledger.summary("r2").outcome == "promoted"  # type: ignore[union-attr]

    play(story)


def test_abort_answers_at_once_with_what_it_did() -> None:
    home, ledger, house = shut_home()

    async def story() -> None:
        await canary(home)
        ledger.hangs = True
        began = asyncio.get_running_loop().time()
        state = await home.supervisor.tell("r2", ABORT)  # type: ignore[attr-defined]
        assert asyncio.get_running_loop().time() - began <= PROMPT_S + 0.01
        assert (state.stage, state.outcome) == ("reverting", "aborted")
        await wait_for(lambda: house.routing is not None and not house.routing.exposed, within_s=1.0)
        ledger.hangs = False
        await home.until_closed("r2")

    play(story)


def test_what_was_spooled_is_carried_on_by_the_next_controller() -> None:
    """The controller dies while the ledger lags behind: neither what it decided nor what it saw is lost."""
    home, ledger, house = shut_home()
    home.spool = MemorySpool()

    async def story() -> None:
        await canary(home)
        ledger.shut = True
        house.failing[TWO] = 0.9
        await wait_for(lambda: house.routing is not None and not house.routing.exposed, within_s=5.0)
        await asyncio.sleep(1.0)
        known = len(home.events("r2"))
        spooled = len(home.spool.read())
        assert spooled > 1
        await home.supervisor.close()  # type: ignore[attr-defined]
        home.supervisor = await home.start()  # type: ignore[attr-defined]
        await asyncio.sleep(5.0)
        assert len(home.events("r2")) == known  # it cannot be written yet either
        ledger.shut = False
        await home.until_closed("r2")
        summary = home.ledger.summary("r2")
        assert summary is not None
        assert summary.outcome == "rolled_back"
        assert len(home.events("r2")) >= known + spooled
        assert list(home.spool.read()) == []

    play(story)


def test_a_new_release_says_that_it_cannot_be_recorded() -> None:
    home, ledger, _ = shut_home()

    async def story() -> None:
        supervisor = await home.with_one()
        ledger.shut = True
        began = asyncio.get_running_loop().time()
        with pytest.raises(LedgerError, match="a backup holds the ledger's lock"):
            await supervisor.submit(wish(TWO))
        assert asyncio.get_running_loop().time() - began < BEGIN_WITHIN_S + 2.0
        assert home.ledger.summary("r2") is None
        ledger.shut = False
        await supervisor.submit(wish(TWO))
        await home.until_closed("r2")

    play(story)
