"""Locked, full, not allowed, not a ledger: each is a clear sentence, and nothing is half written."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import headgate
from headgate.ledger import (
    LedgerBusy,
    LedgerCorrupt,
    LedgerError,
    LedgerFull,
    LedgerMissing,
    LedgerReadOnly,
    LedgerTooNew,
    SqliteLedger,
)
from headgate.ledger.sqlite_schema import VERSION, check_version
from headgate.ledger.verify import verify
from headgate.testing.ledger import write, write_all
from tests.ledger import reading


def opened(place: Path) -> SqliteLedger:
    ledger = SqliteLedger(place, busy_s=0.05)
    asyncio.run(write_all(ledger, "r1", 4))
    return ledger


def as_before(ledger: SqliteLedger) -> None:
    """Four entries, all whole, and the fifth can be written."""
    assert (ledger.last_sequence(), len(ledger.read("r1")), len(ledger.samples("r1"))) == (4, 4, 2)
    summary = ledger.summary("r1")
    assert summary is not None
    assert summary.sequence == 4
    asyncio.run(write(ledger, "r1", 5))
    assert verify(ledger).broken is None
    ledger.close()


def test_a_lock_is_waited_for_then_reported(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "ledger.db")
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            LedgerBusy, match=r"another process has locked .*ledger\.db for more than 0\.05 s"
        ):
            asyncio.run(write(ledger, "r1", 5))
        assert len(ledger.read("r1")) == 4  # readers do not wait
        other.execute("ROLLBACK")
    as_before(ledger)


def test_a_full_database_refuses_and_recovers(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "ledger.db")
    assert ledger._appender is not None
    writer = ledger._appender._writer
    assert writer._connection is not None
    (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
    writer._connection.execute(f"PRAGMA max_page_count = {pages}")

    async def many() -> list[object]:
        tries = (write_all(ledger, f"x{n}", 4) for n in range(50))
        return await asyncio.gather(*tries, return_exceptions=True)

    outcomes = asyncio.run(many())
    assert any(isinstance(outcome, LedgerFull) for outcome in outcomes)
    # A failed batch opens the file anew, and with that the limit is gone: there is room again.
    before = ledger.last_sequence()
    assert verify(ledger).entries == before
    asyncio.run(write(ledger, "r1", 5))
    assert ledger.last_sequence() == before + 1
    ledger.close()


@contextmanager
def tiny_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    mount = shutil.which("mount")
    command = (str(mount), "-t", "tmpfs", "-o", "size=1m", "headgate-test", str(place))
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a tiny file system cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(("umount", "-l", str(place)), check=True)


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "tiny") as disk:
        ledger = opened(disk / "ledger.db")
        ballast = disk / "ballast"
        with pytest.raises(OSError, match="No space"):
            ballast.write_bytes(bytes(1 << 20))
        with pytest.raises(LedgerFull, match="nothing was written; make room"):
            asyncio.run(write_all(ledger, "filler", 1000))
        written = ledger.last_sequence()
        assert verify(ledger).broken is None
        ballast.unlink()
        number = len(ledger.read("filler")) + 1
        assert asyncio.run(write(ledger, "filler", number)).sequence == written + 1
        assert verify(ledger).broken is None
        ledger.close()


def test_a_missing_ledger_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing, match="nothing was ever released"):
        SqliteLedger(tmp_path / "ledger.db", readonly=True)
    (tmp_path / "ledger.db").touch()
    with pytest.raises(LedgerMissing, match="holds nothing yet"):
        SqliteLedger(tmp_path / "ledger.db", readonly=True)


def test_a_reader_may_not_write(tmp_path: Path) -> None:
    opened(tmp_path / "ledger.db").close()
    reader = SqliteLedger(tmp_path / "ledger.db", readonly=True)
    with pytest.raises(LedgerReadOnly, match="for reading only"):
        asyncio.run(write(reader, "r1", 5))
    with pytest.raises(LedgerReadOnly, match="for reading only"):
        asyncio.run(reader.compact_samples(9.0))
    reader.close()


def read_without_rights(place: Path) -> subprocess.CompletedProcess[str]:
    """What a process of somebody who may only read finds; see reading.py."""
    command = (sys.executable, reading.__file__, str(place))
    environment = {**os.environ, "PYTHONPATH": str(Path(headgate.__file__).parent.parent)}
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody may enter and nobody but its owner may write."""
    folder = Path(tempfile.mkdtemp(prefix="headgate-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_process_that_may_not_write_can_read_beside_a_writer(public: Path) -> None:
    ledger = opened(public / "ledger.db")
    for count in (4, 5):
        found = read_without_rights(ledger.path)
        assert found.stdout == f"{count} entries, whole; LedgerReadOnly\n", found.stderr
        asyncio.run(write(ledger, "r1", count + 1))
    ledger.close()


def test_a_process_that_may_not_write_can_read_when_nobody_else_does(public: Path) -> None:
    opened(public / "ledger.db").close()
    found = read_without_rights(public / "ledger.db")
    assert found.stdout == "4 entries, whole; LedgerReadOnly\n", found.stderr


def test_a_lone_copy_can_be_read_from_a_read_only_place(public: Path, tmp_path: Path) -> None:
    ledger = opened(tmp_path / "ledger.db")
    ledger.close()
    with closing(sqlite3.connect(ledger.path)) as last:  # folds the log in, and removes it
        last.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(ledger.path, public / "copy.db")
    found = read_without_rights(public / "copy.db")
    assert found.stdout.startswith("4 entries, whole"), found.stderr


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    place = opened(tmp_path / "ledger.db").path
    with closing(sqlite3.connect(place)) as newer:
        newer.execute("PRAGMA user_version = 99")
    for readonly in (False, True):
        with pytest.raises(LedgerTooNew, match=r"newer Headgate \(schema 99; this one knows 1\)"):
            SqliteLedger(place, readonly=readonly)


def test_a_strangers_database_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "other.db"
    with closing(sqlite3.connect(place)) as other:
        other.execute("CREATE TABLE theirs (x)")
    for readonly in (False, True):
        with pytest.raises(LedgerCorrupt, match="not a ledger of Headgate"):
            SqliteLedger(place, readonly=readonly)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    place.write_text("a diary\n" * 1000)
    for readonly in (False, True):
        with pytest.raises(LedgerCorrupt, match="is damaged"):
            SqliteLedger(place, readonly=readonly)


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db")
    asyncio.run(write_all(ledger, "r1", 300))
    ledger.close()
    with closing(sqlite3.connect(ledger.path)) as last:
        last.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = last.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").fetchone()
    with ledger.path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(LedgerCorrupt, match="is damaged"):
        SqliteLedger(ledger.path)


def test_events_can_only_be_added(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "ledger.db")
    with closing(sqlite3.connect(ledger.path)) as other:
        for statement in (
            "UPDATE events SET body = ''",
            "DELETE FROM events WHERE sequence = 4",
            "REPLACE INTO events VALUES (2, 'r1', 2, 1, '', NULL, '')",
            "INSERT INTO events VALUES (9, 'r1', 5, 1, '', NULL, '')",
            "INSERT INTO events VALUES (5, 'r1', 7, 1, '', NULL, '')",
            "UPDATE samples SET body = ''",
            "UPDATE samples SET body = NULL, at = 0",
            "DELETE FROM samples",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                other.execute(statement)
    as_before(ledger)


def test_many_may_make_the_same_ledger_at_once(tmp_path: Path) -> None:
    made: list[SqliteLedger] = []
    threads = [
        threading.Thread(target=lambda: made.append(SqliteLedger(tmp_path / "ledger.db"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, ledger in enumerate(made):
        asyncio.run(write(ledger, f"r{n}", 1))
        ledger.close()
    assert len(made) == 8


@pytest.mark.parametrize("statement", ["sqlite_schema", "application_id", "user_version"])
def test_a_ledger_made_while_it_is_looked_at_is_no_strangers_file(tmp_path: Path, statement: str) -> None:
    """The marks of a file are read as they were at one moment, however another process comes in between."""
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")

    def make_it(executed: str) -> None:
        if statement in executed:
            SqliteLedger(path).close()

    connection.set_trace_callback(make_it)
    assert check_version(connection, path) in {0, VERSION}  # as before, or as after: never something between
    connection.set_trace_callback(None)
    assert check_version(connection, path) == VERSION
    connection.close()


def test_one_failure_is_not_the_neighbours(tmp_path: Path) -> None:
    """A conflict in a batch leaves the rest of the batch alone."""
    ledger = opened(tmp_path / "ledger.db")

    async def together() -> list[object]:
        tries = [write(ledger, f"x{n}", 1 + n % 2) for n in range(40)]
        return await asyncio.gather(*tries, return_exceptions=True)

    outcomes = asyncio.run(together())
    assert [isinstance(outcome, LedgerError) for outcome in outcomes] == [False, True] * 20
    assert ledger.last_sequence() == 24
    ledger.close()


def test_a_cancelled_caller_harms_nobody(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "ledger.db")

    async def impatient() -> None:
        task = asyncio.create_task(write(ledger, "hasty", 1))
        neighbour = asyncio.create_task(write(ledger, "calm", 1))
        await asyncio.sleep(0)
        task.cancel()
        await neighbour

    asyncio.run(impatient())
    assert len(ledger.read("calm")) == 1
    as_before_names = {entry.release for entry in ledger.since(4)}
    assert as_before_names <= {"calm", "hasty"}
    ledger.close()
