"""The lease: one holder, given up by its death, and noticed when it is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from headgate.controller.clock import SteadyClock
from headgate.controller.lease import FileLease, LeaseTaken, MemoryLease
from tests.controller.house import play


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "home" / "controller.lock"
    one, two = FileLease(path), FileLease(path)
    assert not one.held()
    one.acquire()
    one.acquire()
    assert one.held()
    with pytest.raises(LeaseTaken, match=r"another controller \(process \d+\) runs this home"):
        two.acquire()
    assert not two.held()
    one.release()
    one.release()
    assert not one.held()
    two.acquire()
    assert two.held()
    two.release()


def test_a_lock_whose_file_was_removed_or_replaced_is_locked_anew(tmp_path: Path) -> None:
    path = tmp_path / "controller.lock"
    one, two = FileLease(path), FileLease(path)
    one.acquire()
    path.unlink()
    assert one.held()
    with pytest.raises(LeaseTaken, match="process"):
        two.acquire()
    (tmp_path / "other").write_text("restored from a backup\n")
    (tmp_path / "other").replace(path)
    assert one.held()
    with pytest.raises(LeaseTaken, match="process"):
        two.acquire()
    one.release()


def test_a_lock_that_another_holds_by_now_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "controller.lock"
    one, two = FileLease(path), FileLease(path)
    one.acquire()
    path.unlink()
    two.acquire()
    assert (one.held(), two.held()) == (False, True)
    one.release()
    two.release()


def test_a_lock_in_a_home_that_is_gone_is_lost(tmp_path: Path) -> None:
    lease = FileLease(tmp_path / "home" / "controller.lock")
    lease.acquire()
    (tmp_path / "home").rename(tmp_path / "elsewhere")
    assert not lease.held()
    assert not (tmp_path / "home").exists()
    lease.release()


HOLDS = """
import sys, time
from pathlib import Path
from headgate.controller.lease import FileLease
FileLease(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_death_gives_it_up(tmp_path: Path) -> None:
    path = tmp_path / "controller.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LeaseTaken, match=f"process {holder.pid}"):
            FileLease(path).acquire()
        holder.kill()
        holder.wait()
    lease = FileLease(path)
    lease.acquire()
    lease.release()


def test_the_twin_behaves_the_same() -> None:
    slot: list[object] = []
    one, two = MemoryLease(slot), MemoryLease(slot)
    one.acquire()
    one.acquire()
    with pytest.raises(LeaseTaken):
        two.acquire()
    two.release()
    assert one.held()
    slot.clear()
    assert not one.held()
    two.acquire()
    one.release()
    assert two.held()


def test_the_clock_is_steady() -> None:
    async def story() -> None:
        clock = SteadyClock(1000.0)
        assert clock.now() == 1000.0
        await clock.sleep_until(1010.0)
        assert clock.now() == 1010.0
        await clock.sleep_until(5.0)
        assert clock.now() == 1010.0

    play(story)
