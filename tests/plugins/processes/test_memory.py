import asyncio

import pytest

from headgate.ports import Permanent, Temporary
from headgate.ports.processes import Lasting, Processes, Program
from headgate.testing.fakes.processes import MemoryProcesses
from headgate.testing.processes import LastingContract


class TestMemoryProcesses(LastingContract):
    @pytest.fixture
    def processes(self) -> Processes:
        return MemoryProcesses()

    def kill_daemon(self, processes: Lasting) -> None:
        """There is none: this very process holds them."""


PROGRAM = Program("a", ("sleep",), "/", "/a.log")


def test_a_planned_failure_happens_once() -> None:
    processes = MemoryProcesses()
    processes.fail_next = Temporary("the disk is full")
    with pytest.raises(Temporary, match="disk"):
        asyncio.run(processes.ensure([PROGRAM]))
    asyncio.run(processes.ensure([PROGRAM]))
    assert processes.programs == {"a": PROGRAM}


def test_what_has_been_given_up_is_fatal_until_it_is_restarted() -> None:
    processes = MemoryProcesses()
    asyncio.run(processes.ensure([PROGRAM]))
    processes.crash("a")
    assert [one.state for one in asyncio.run(processes.list())] == ["running"]
    processes.give_up("a")
    assert [(one.state, one.pid) for one in asyncio.run(processes.list())] == [("fatal", 0)]
    asyncio.run(processes.restart("a"))
    assert [one.state for one in asyncio.run(processes.list())] == ["running"]
    with pytest.raises(Permanent):
        processes.crash("b")
