"""The ledger's file is removed, moved, replaced, or loses its log while in use: nothing is written into nowhere."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headgate.ledger import LedgerError, SqliteLedger
from headgate.ledger.sqlite_place import GONE_S
from headgate.ledger.verify import verify
from headgate.testing.ledger import write, write_all

COMPANIONS = ("-wal", "-shm")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    opened = SqliteLedger(tmp_path / "ledger.sqlite")
    asyncio.run(write_all(opened, "r1", 4))
    yield opened
    opened.close()


def beside(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{ending}") for ending in COMPANIONS]


async def written(ledger: SqliteLedger, number: int, within_s: float = 3 * GONE_S) -> None:
    """Try until it is written, as whoever waits for a ledger does."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                await write(ledger, "r1", number)
            except LedgerError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("also", [(), COMPANIONS], ids=["the file alone", "all of it"])
def test_a_file_that_was_removed_is_written_back_whole(ledger: SqliteLedger, also: tuple[str, ...]) -> None:
    ledger.path.unlink()
    for ending in also:
        ledger.path.with_name(f"{ledger.path.name}{ending}").unlink()
    with pytest.raises(LedgerError, match="was removed or moved away while it was in use"):
        asyncio.run(write(ledger, "r1", 5))
    asyncio.run(written(ledger, 5))
    asyncio.run(write(ledger, "r1", 6))
    assert len(ledger.read("r1")) == 6
    with closing(SqliteLedger(ledger.path, readonly=True)) as another:
        assert len(another.read("r1")) == 6
        assert verify(another).broken is None


def test_a_file_that_was_moved_about_goes_on_where_it_was(ledger: SqliteLedger) -> None:
    away = ledger.path.with_name("away.sqlite")
    ledger.path.rename(away)
    with pytest.raises(LedgerError):
        asyncio.run(write(ledger, "r1", 5))
    away.rename(ledger.path)
    asyncio.run(write(ledger, "r1", 5))
    assert len(ledger.read("r1")) == 5


def test_nothing_is_written_to_another_file_that_took_its_place(ledger: SqliteLedger, tmp_path: Path) -> None:
    with closing(SqliteLedger(tmp_path / "older.sqlite")) as older:
        asyncio.run(write_all(older, "r1", 2))
    (tmp_path / "older.sqlite").replace(ledger.path)
    with pytest.raises(LedgerError, match="not the file that this process opened"):
        asyncio.run(write(ledger, "r1", 5))
    assert len(ledger.read("r1")) == 4


def test_after_closing_the_file_alone_has_everything(ledger: SqliteLedger, tmp_path: Path) -> None:
    """Whoever copies a ledger, or cleans up, may not know of the log beside it."""
    ledger.close()
    shutil.copyfile(ledger.path, tmp_path / "copy.sqlite")
    for companion in beside(ledger.path):
        companion.unlink(missing_ok=True)
    for path in (ledger.path, tmp_path / "copy.sqlite"):
        with closing(sqlite3.connect(path)) as found:
            assert found.execute("SELECT count(*) FROM events").fetchone() == (4,)


def test_whoever_reads_follows_the_file_that_was_written_back(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.ledger.sqlite_reader.LOOK_EVERY_S", 0.0)
    with closing(SqliteLedger(ledger.path, readonly=True)) as looking_on:
        assert len(looking_on.read("r1")) == 4
        ledger.path.unlink()
        assert len(looking_on.read("r1")) == 4
        asyncio.run(written(ledger, 5))
        assert len(looking_on.read("r1")) == 5


def test_two_that_write_agree_on_the_file_that_one_of_them_wrote_back(ledger: SqliteLedger) -> None:
    with closing(SqliteLedger(ledger.path)) as another:
        ledger.path.unlink()
        asyncio.run(written(ledger, 5))
        asyncio.run(written(another, 6))
        asyncio.run(written(ledger, 7))
        assert len(ledger.read("r1")) == len(another.read("r1")) == 7
        assert verify(ledger).broken is None
