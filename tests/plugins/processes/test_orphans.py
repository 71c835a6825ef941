import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.plugins.processes.supervisord.orphans import Record, members, read_record, stop_orphans
from headgate.plugins.processes.supervisord.paths import Paths, own_folder
from headgate.ports import Permanent

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


def test_the_short_folder_must_be_our_own(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(Permanent, match="shorter path"):
        own_folder(tmp_path / "link")
    (tmp_path / "file").touch()
    with pytest.raises((Permanent, FileExistsError)):
        own_folder(tmp_path / "file")
    (tmp_path / "open").mkdir(mode=0o777)
    assert own_folder(tmp_path / "open").stat().st_mode & 0o077 == 0
