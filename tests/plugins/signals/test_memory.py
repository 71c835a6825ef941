"""What only the source in memory can do."""

import asyncio

import pytest

from headgate.core.model import Counts, Mean
from headgate.ports import Temporary
from headgate.testing.fakes.signals import MemorySignals
from tests.plugins.traffic.envoys import version

OLD = version("a")


def test_it_adds_up_what_is_recorded() -> None:
    signals = MemorySignals((10.0, 100.0))
    signals.record(
        OLD, requests=3, errors=1, latency_ms=[10, 11, 500], instance="one", means={"orders": Mean(1.0, 2)}
    )
    signals.record(OLD, requests=1, latency_ms=[1], instance="two", means={"orders": Mean(1.0, 1)})
    arm = asyncio.run(signals.read(OLD))
    assert (arm.requests, arm.errors) == (4, 1)
    assert arm.latency_ms is not None
    assert arm.latency_ms.count == (2, 3)
    assert arm.instances == {"one": Counts(3, 1), "two": Counts(1, 0)}
    assert arm.means == {"orders": Mean(2.0, 3)}


def test_what_is_forgotten_is_unknown() -> None:
    signals = MemorySignals()
    signals.record(OLD, requests=1)
    signals.forget(OLD)
    with pytest.raises(Temporary):
        asyncio.run(signals.read(OLD))
