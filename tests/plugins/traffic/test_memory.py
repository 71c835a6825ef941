"""What only the data plane in memory can do."""

import asyncio

import pytest

from headgate.core.model import Listener, Routing
from headgate.ports import Temporary
from headgate.testing.fakes.traffic import MemoryTraffic
from tests.plugins.traffic.envoys import UNIT, effect, version

OLD, NEW = version("a"), version("b")
PLACE = Listener(80)


def test_a_version_that_does_not_run_gets_no_traffic() -> None:
    traffic = MemoryTraffic(running=lambda one: one == OLD)
    with pytest.raises(Temporary):
        asyncio.run(traffic.apply(effect(1), Routing(UNIT, PLACE, OLD, NEW, 1)))
    asyncio.run(traffic.apply(effect(1), Routing(UNIT, PLACE, OLD, NEW)))


def test_requests_are_drawn_by_weight() -> None:
    traffic = MemoryTraffic()
    asyncio.run(traffic.apply(effect(1), Routing(UNIT, PLACE, OLD, NEW, 25)))
    assert [traffic.reach(UNIT, draw=draw) for draw in (0.0, 0.249, 0.25, 0.99)] == [NEW, NEW, OLD, OLD]


def test_it_is_idle_when_what_lost_its_traffic_is() -> None:
    traffic = MemoryTraffic()
    asyncio.run(traffic.apply(effect(1), Routing(UNIT, PLACE, OLD, NEW, 100)))
    traffic.plane.active.update({OLD: 1, NEW: 9})
    assert not asyncio.run(traffic.idle(UNIT))
    traffic.plane.active[OLD] = 0
    assert asyncio.run(traffic.idle(UNIT))
