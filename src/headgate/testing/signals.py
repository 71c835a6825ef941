"""What every source of signals must do. Subclass `SignalsContract` in a test file, and say how yours is made."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from typing import Protocol

import msgspec
import pytest

from headgate.core.model import Arm, Unit, Version
from headgate.core.model.sample import since
from headgate.ports import PortError, Signals

STRANGER = Version(Unit("shop", "production", "web"), "f" * 64, "f" * 64)
_SETTLE_S = 0.1


class Measured(Protocol):
    """A source under test, and a way to make something happen that it measures."""

    @property
    def signals(self) -> Signals:
        """The port."""
        ...

    @property
    def versions(self) -> tuple[Version, Version]:
        """Two versions of one unit that the source knows, and of which nothing has been counted yet."""
        ...

    async def requests(self, version: Version, good: int, bad: int) -> None:
        """Have `version` answer so many requests well, and so many with an error."""
        ...


class SignalsContract(ABC):
    """The promises of ports.Signals, for a source that counts requests and errors."""

    @abstractmethod
    def measured(self) -> AbstractAsyncContextManager[Measured]:
        """A source that has counted nothing."""

    def test_nothing_counted_is_zero(self) -> None:
        """A version that had no request reads as zeros, not as an error."""

        async def scenario(source: Measured) -> None:
            for version in source.versions:
                arm = await source.signals.read(version)
                assert (arm.requests, arm.errors) == (0, 0)
                _check(arm)

        self._run(scenario)

    def test_an_unknown_version_is_not_zero(self) -> None:
        """It is an error of the port: unknown is neither zero nor good."""

        async def scenario(source: Measured) -> None:
            with pytest.raises(PortError):
                await source.signals.read(STRANGER)

        self._run(scenario)

    def test_it_counts_each_version_by_itself(self) -> None:
        """Requests and errors, exactly, and latencies of no more than there were requests."""

        async def scenario(source: Measured) -> None:
            one, other = source.versions
            await source.requests(one, 7, 3)
            await source.requests(other, 5, 0)
            await asyncio.sleep(_SETTLE_S)
            first, second = await source.signals.read(one), await source.signals.read(other)
            assert (first.requests, first.errors) == (10, 3)
            assert (second.requests, second.errors) == (5, 0)
            for arm in (first, second):
                _check(arm)

        self._run(scenario)

    def test_it_counts_from_the_beginning(self) -> None:
        """Readings are cumulative: none falls, and what lies between two is what happened between them."""

        async def scenario(source: Measured) -> None:
            version, _ = source.versions
            readings = [await source.signals.read(version)]
            for good, bad in ((4, 0), (0, 2), (3, 1)):
                await source.requests(version, good, bad)
                await asyncio.sleep(_SETTLE_S)
                readings.append(await source.signals.read(version))
            intervals = [since(before, after) for before, after in pairwise(readings)]
            assert [(arm.requests, arm.errors) for arm in intervals] == [(4, 0), (2, 2), (4, 1)]
            for arm in (*readings, *intervals):
                _check(arm)

        self._run(scenario)

    def test_readings_at_once_are_one(self) -> None:
        """Both arms may be read side by side."""

        async def scenario(source: Measured) -> None:
            one, other = source.versions
            await source.requests(one, 2, 0)
            await asyncio.sleep(_SETTLE_S)
            arms = await asyncio.gather(*(source.signals.read(version) for version in (one, other, one)))
            assert [arm.requests for arm in arms] == [2, 0, 2]

        self._run(scenario)

    def test_a_reading_can_be_kept(self) -> None:
        """It survives the ledger's codec unchanged."""

        async def scenario(source: Measured) -> None:
            version, _ = source.versions
            await source.requests(version, 2, 1)
            arm = await source.signals.read(version)
            assert msgspec.json.decode(msgspec.json.encode(arm), type=Arm) == arm

        self._run(scenario)

    def _run(self, scenario: "Scenario") -> None:
        async def run() -> None:
            async with self.measured() as source:
                await scenario(source)

        asyncio.run(run())


class Scenario(Protocol):
    """What one test does with a source."""

    async def __call__(self, source: Measured) -> None:
        """Do it."""
        ...


def _check(arm: Arm) -> None:
    assert 0 <= arm.errors <= arm.requests
    if arm.latency_ms is not None:
        le, count = arm.latency_ms.le, arm.latency_ms.count
        assert len(le) == len(count)
        assert list(le) == sorted(set(le))
        assert list(count) == sorted(count)
        assert not count or 0 <= count[0] <= count[-1] <= arm.requests
