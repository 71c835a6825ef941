"""The controller's guard: brought back for ever, and traffic to the safe side before that."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from headgate.controller.guard import ControllerGuard, Limits
from headgate.ports import Temporary
from headgate.ports.guard import Trouble
from headgate.ports.processes import ProcessState, ProcessStatus, Program


class House:
    """A controller and what supervises it, in a time of its own; each look is a second after the one before."""

    def __init__(self, home: Path, limits: Limits | None = None) -> None:
        self.now = 0.0
        self.state: ProcessState = "running"
        self.pid = 1
        self.answering = True
        self.exposed = 1
        self.failing = False
        self.defined = True
        self.restarts: list[float] = []
        self.retreats: list[tuple[float, str]] = []
        self.guard = ControllerGuard(home, self, self.retreat, self.ask, limits, lambda: self.now)

    async def ask(self, path: Path, within_s: float) -> bool:
        return self.answering

    async def retreat(self, reason: str) -> Sequence[object]:
        if self.failing:
            raise Temporary("the disk is full")
        self.retreats.append((self.now, reason))
        moved, self.exposed = self.exposed, 0
        return [object()] * moved

    async def restart(self, name: str) -> None:
        assert name == "controller"
        self.restarts.append(self.now)
        self.pid += 1

    async def list(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        return (ProcessStatus("controller", self.state, self.pid),) if self.defined else ()

    async def ensure(self, programs: Sequence[Program]) -> None:
        raise AssertionError

    async def remove(self, names: Sequence[str]) -> None:
        raise AssertionError

    def look(self, times: int = 1, apart_s: float = 1.0) -> tuple[Trouble, ...]:
        found: tuple[Trouble, ...] = ()
        for _ in range(times):
            found = asyncio.run(self.guard.look())
            self.now += apart_s
        return found


def test_one_that_answers_is_let_be(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.look(100) == ()
    assert (house.restarts, house.retreats) == ([], [])


def test_silence_for_too_long_takes_traffic_to_the_safe_side_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.look()
    house.answering = False
    assert [one.about for one in house.look(14)] == ["controller"]
    assert house.retreats == []
    assert [one.about for one in house.look(10)] == ["controller", "safe side"]
    assert house.retreats[0] == (15.0, "no controller answered for 15 s")
    assert house.restarts == []  # it runs: whether it hangs is not for us to end
    found = house.look()[-1]
    assert "all traffic is on stable" in found.what
    house.answering = True
    assert house.look() == ()


def test_one_that_was_given_up_is_started_again_for_ever(tmp_path: Path) -> None:
    house = House(tmp_path, Limits(restart_first_s=2.0, restart_max_s=10.0))
    house.state, house.answering = "fatal", False
    house.look(60)
    assert house.restarts == [0.0, 2.0, 6.0, 14.0, 24.0, 34.0, 44.0, 54.0]


def test_one_that_dies_again_and_again_is_not_waited_for(tmp_path: Path) -> None:
    house = House(tmp_path, Limits(deaths=3, deaths_within_s=20.0))
    house.look()
    for _ in range(2):
        house.pid, house.answering = house.pid + 1, False
        house.look()
        house.answering = True
        house.look()
    assert house.retreats == []
    house.pid, house.answering = house.pid + 1, False
    house.look()
    assert house.retreats == [(5.0, "the controller died 3 times within 20 s")]
    house.answering = True
    assert house.look(30) == ()  # a long time later it counts as well


def test_one_that_waits_for_a_command_in_a_terminal_is_not_dying(tmp_path: Path) -> None:
    house = House(tmp_path, Limits(deaths=3, deaths_within_s=20.0))
    for _ in range(20):  # each finds the lease taken, by whoever answers
        house.pid += 1
        assert house.look() == ()
    assert house.retreats == []


def test_what_cannot_be_done_is_said_and_tried_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.answering, house.failing = False, True
    found = house.look(20)[-1]
    assert "traffic cannot be taken to stable: the disk is full" in found.what
    house.failing = False
    house.look()
    assert len(house.retreats) == 1


def test_an_answer_that_is_waited_for_counts_as_silence(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.look()
    house.answering = False
    limits = Limits()
    house.look(4, apart_s=1.0 + limits.answer_s)
    assert house.retreats == []
    house.look()
    assert [at for at, _ in house.retreats] == [1.0 + 4 * (1.0 + limits.answer_s)]


def test_a_pause_of_the_whole_machine_is_no_silence_of_the_controllers(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.look()
    house.now += 3600
    house.answering = False
    house.look(3)
    assert house.retreats == []


def test_where_no_controller_is_wanted_none_is_missed(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.answering = house.defined = False
    assert house.look(100) == ()
    assert (house.restarts, house.retreats) == ([], [])
