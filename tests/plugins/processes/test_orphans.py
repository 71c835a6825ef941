import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.plugins.processes.supervisord.orphans import adoptable, orphans, stop_orphans
from headgate.plugins.processes.supervisord.paths import Paths
from headgate.plugins.processes.supervisord.records import Record, members, read_record

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def stat(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rstrip("\n")


@pytest.fixture
def stranger() -> Iterator[int]:
    process = subprocess.Popen(["sleep", "100"], start_new_session=True)
    yield process.pid
    process.kill()
    process.wait()


def record(tmp_path: Path, text: str) -> tuple[Paths, Path]:
    paths = Paths(tmp_path)
    paths.create()
    path = paths.programs / "a.pid"
    path.write_text(text)
    return paths, path


def test_a_process_is_found_by_what_it_wrote(tmp_path: Path, stranger: int) -> None:
    _, path = record(tmp_path, f"{stat(stranger)}\n{BOOT}\nTERM 3\n")
    name, found = read_record(path, BOOT)
    assert name == "a"
    assert found is not None
    assert (found.pid, found.session, found.signal, found.wait_s) == (stranger, stranger, "TERM", 3)
    assert members(found) == [stranger]


def test_a_number_that_was_given_to_another_is_let_be(tmp_path: Path, stranger: int) -> None:
    started = int(stat(stranger).rpartition(")")[2].split()[19])
    assert members(Record(stranger, stranger, started - 1, "TERM", 1)) == []
    assert members(Record(stranger, 1, started, "TERM", 1)) == []
    words = stat(stranger).split(" ")
    words[21] = str(started - 1)
    paths, _ = record(tmp_path, f"{' '.join(words)}\n{BOOT}\nTERM 3\n")
    assert stop_orphans(paths) == []
    os.kill(stranger, 0)


@pytest.mark.parametrize("text", ["", "1", "1 (sh) S 1\nboot\nTERM 1\n", "x\ny\nz\n", "\n\n\n\n\n"])
def test_a_broken_record_is_none(tmp_path: Path, text: str) -> None:
    paths, path = record(tmp_path, text)
    assert read_record(path, BOOT) == ("a", None)
    assert stop_orphans(paths) == []


def test_a_record_of_another_boot_is_none(tmp_path: Path, stranger: int) -> None:
    _, path = record(tmp_path, f"{stat(stranger)}\nanother boot\nTERM 3\n")
    assert read_record(path, BOOT) == ("a", None)


def test_a_record_of_a_copied_home_is_none(tmp_path: Path, stranger: int) -> None:
    paths, _ = record(tmp_path / "home", f"{stat(stranger)}\n{BOOT}\nTERM 3\nprograms/a.sh\n{'-'}\n")
    text = f"{stat(stranger)}\n{BOOT}\nTERM 3\nprograms/a.sh\n{paths.place()}\n"
    (paths.programs / "a.pid").write_text(text)
    assert list(orphans(paths)) == ["a"]
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    copy = Paths(tmp_path / "copy")
    assert orphans(copy) == {}
    assert stop_orphans(copy) == []
    os.kill(stranger, 0)


def test_only_what_the_present_definition_made_is_taken_over(tmp_path: Path, stranger: int) -> None:
    paths, path = record(tmp_path, "")
    for made, defined, signal_, expected in (
        ("programs/a@1.sh", "programs/a@1.sh", "TERM", {"a"}),
        ("programs/a@1.sh", "programs/a@2.sh", "TERM", set()),
        ("programs/a@1.sh", "programs/a@1.sh", "KILL", set()),
        ("", "programs/a@1.sh", "TERM", set()),
    ):
        path.write_text(f"{stat(stranger)}\n{BOOT}\n{signal_} 3\n{made}\n{paths.place()}\n")
        (paths.programs / "a.conf").write_text(f"[program:a]\ncommand=/bin/sh {defined}\n")
        assert adoptable(paths) == expected
    (paths.programs / "a.conf").unlink()
    assert adoptable(paths) == set()
