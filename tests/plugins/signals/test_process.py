"""Gauges of processes: of real ones, and of a target that says what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headgate.core.model import Version
from headgate.plugins.signals.process import ProcessSignals, Settings, create
from headgate.ports import Permanent, Temporary
from headgate.ports.target import GAUGES, Usage
from headgate.ports.wires import Wires
from headgate.testing.fakes.processes import MemoryProcesses
from headgate.testing.fakes.target import MemoryTarget
from tests.plugins.traffic.envoys import version

OLD = version("a")


class Host:
    """A target and a clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.used: dict[str, Usage] = {}

    def usage(self, version: Version) -> Mapping[str, Usage]:
        return self.used if version == OLD else {}

    def read(self, signals: ProcessSignals, which: Version = OLD) -> dict[str, dict[str, float]]:
        arm = asyncio.run(signals.read(which))
        assert (arm.requests, arm.means, arm.instances) == (0, {}, {})
        return arm.gauges


def asked(host: Host, *gauges: str) -> ProcessSignals:
    return ProcessSignals(host, gauges or GAUGES, lambda: host.now)


def test_what_each_instance_uses() -> None:
    host = Host()
    host.used = {"web.1/7": Usage(5_000_000, 1.0, 4, 12), "web.2/9": Usage(6_000_000, 1.0, 5, 13)}
    assert host.read(asked(host)) == {
        "memory": {"web.1/7": 5_000_000.0, "web.2/9": 6_000_000.0},
        "threads": {"web.1/7": 4.0, "web.2/9": 5.0},
        "files": {"web.1/7": 12.0, "web.2/9": 13.0},
    }
    assert set(host.read(asked(host, "threads"))) == {"threads"}


def test_processor_time_is_of_the_time_between_two_readings() -> None:
    host = Host()
    signals = asked(host, "cpu")
    host.used = {"a/1": Usage(1, 10.0, 1, 1)}
    assert host.read(signals) == {}
    host.now, host.used = 102.0, {"a/1": Usage(1, 13.0, 1, 1), "b/2": Usage(1, 50.0, 1, 1)}
    assert host.read(signals) == {"cpu": {"a/1": 1.5}}
    host.now = 102.1  # too soon to tell
    assert host.read(signals) == {"cpu": {"a/1": 1.5}}
    host.now, host.used = 104.0, {"a/1": Usage(1, 12.0, 1, 1)}  # a process it had started has ended
    assert host.read(signals) == {"cpu": {"a/1": 1.5}}
    host.now, host.used = 106.0, {"a/9": Usage(1, 0.5, 1, 1)}  # it has started again
    assert host.read(signals) == {}


def test_nothing_that_runs_is_unknown() -> None:
    host = Host()
    with pytest.raises(Temporary, match="no running instance"):
        host.read(asked(host), version("b"))


def test_a_gauge_that_processes_do_not_have() -> None:
    with pytest.raises(ValueError, match="no gauge 'disk'"):
        Settings(gauges=("disk",))


def test_a_target_that_runs_no_processes_cannot_be_asked() -> None:
    nothing: Any = None
    wires = Wires(Path(), MemoryProcesses(), nothing, lambda _: (), target=MemoryTarget())
    with pytest.raises(Permanent, match="cannot say"):
        create(wires)
