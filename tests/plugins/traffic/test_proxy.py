"""When Envoy does not start."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from headgate.core.model import Listener, Routing
from headgate.plugins.traffic.envoy import EnvoyTraffic, proxy
from headgate.ports import Permanent, Temporary
from headgate.ports.processes import ProcessState, ProcessStatus, Program
from tests.plugins.traffic.envoys import UNIT, effect


class Broken:
    """A supervisor whose programs never run."""

    def __init__(self, state: ProcessState) -> None:
        self._state: ProcessState = state
        self.asked: list[str] = []

    async def ensure(self, programs: Sequence[Program]) -> None:
        for program in programs:
            self.asked.append(f"ensure {program.name}")
            Path(program.log).write_text("it says why\n")  # noqa: ASYNC240 - a test

    async def remove(self, names: Sequence[str]) -> None:
        raise AssertionError

    async def restart(self, name: str) -> None:
        self.asked.append(f"restart {name}")

    async def list(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        return (ProcessStatus(prefix, self._state),)


def applied(home: Path, processes: Broken) -> None:
    traffic = EnvoyTraffic(home, processes, lambda _: ())
    asyncio.run(traffic.apply(effect(1), Routing(UNIT, Listener(80), None)))


def test_one_that_cannot_start_is_started_once_more_and_says_why(tmp_path: Path) -> None:
    processes = Broken("fatal")
    with pytest.raises(Permanent, match="it says why"):
        applied(tmp_path, processes)
    assert processes.asked == ["ensure envoy", "restart envoy"]


def test_one_that_takes_too_long_is_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "READY_WITHIN_S", 0.05)
    with pytest.raises(Temporary, match="not ready"):
        applied(tmp_path, Broken("starting"))
