"""A mark is on whatever a program starts, however it hides, and on nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate import marks
from tests.plugins.processes.daemons import alive, until

SOURCE = str(Path(marks.__file__).parent.parent)
MARK = marks.mark_of("a place", "a.program")

HIDES = f"""
import os, sys
sys.path.append({SOURCE!r})
from headgate import marks
if sys.argv[2:]: os.setuid(int(sys.argv[2]))
if sys.argv[1] == "on": marks.put_on({MARK})
if sys.argv[1] == "off": marks.put_on({MARK}); marks.take_off()
print(marks.own_mark(), flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 100)
        os.execve("/bin/sleep", ["sleep", "5"], {{}})
    os._exit(0)
os.wait()
"""


def found() -> list[int]:
    return [pid for pid, mark in marks.marked().items() if mark == MARK]


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    for pid in found():
        os.kill(pid, 9)


def run(*how: str) -> int:
    command = [sys.executable, "-I", "-S", "-c", HIDES, *how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


ANYBODY = pytest.param("65534", marks=pytest.mark.skipif(os.getuid() != 0, reason="only root becomes others"))


@pytest.mark.parametrize("user", ["", ANYBODY])
def test_it_is_found_with_a_session_of_its_own_and_no_environment(user: str) -> None:
    assert run("on", *([user] if user else [])) == MARK
    (hidden,) = until(found)
    assert alive(hidden)
    assert os.getsid(hidden) != os.getsid(0)
    if not user:  # else it is not ours to read
        until(lambda: Path(f"/proc/{hidden}/cmdline").read_bytes().startswith(b"sleep"))
        assert Path(f"/proc/{hidden}/environ").read_bytes() == b""


def test_one_that_took_it_off_hands_none_on() -> None:
    assert run("off") == 0
    assert found() == []


def test_each_program_of_each_home_has_its_own() -> None:
    made = {marks.mark_of(place, name) for place in ("1:2", "1:3") for name in ("a", "b")}
    assert len(made) == 4
    assert marks.own_mark() == 0
