"""What the ledger could not take yet is kept beside it, whole and in order."""

import asyncio
from pathlib import Path

import pytest

from headgate.ledger import LedgerError, LedgerFull
from headgate.ledger.spool import RESERVE_BYTES, FileSpool, MemorySpool, Spool, Spools, Unwritten
from headgate.testing.ledger import a_sample, a_summary, judged, paused
from tests.ledger.test_trouble import tiny_disk


def entries(release: str = "r1") -> list[Unwritten]:
    """A release's first entries, as they are handed to a ledger."""
    sample = a_sample(2.0)
    return [
        Unwritten(release, 0, paused(1), a_summary(release, 1)),
        Unwritten(release, 1, judged(release, 2, sample), a_summary(release, 2), sample),
        Unwritten(release, 2, paused(3), a_summary(release, 3)),
    ]


@pytest.fixture(params=["memory", "file"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Spool:
    return MemorySpool() if request.param == "memory" else FileSpool(tmp_path / "spool", reserve_bytes=4096)


async def keep(spool: Spool, kept: list[Unwritten]) -> None:
    for entry in kept:
        await spool.add(entry)


def test_what_is_kept_is_read_as_it_was(spool: Spool) -> None:
    asyncio.run(keep(spool, entries()))
    assert list(spool.read()) == entries()


def test_a_release_is_forgotten_and_another_one_is_not(spool: Spool) -> None:
    async def play() -> None:
        await keep(spool, [*entries("r1"), *entries("r2")])
        await spool.forget("r1")
        assert [one for one in spool.read() if one.release == "r2"] == entries("r2")
        await spool.forget("r2")
        assert list(spool.read()) == []
        await keep(spool, entries("r3")[:1])
        assert list(spool.read()) == entries("r3")[:1]

    asyncio.run(play())


def test_the_next_process_reads_what_this_one_kept(tmp_path: Path) -> None:
    asyncio.run(keep(FileSpool(tmp_path / "spool"), entries()[:2]))
    second = FileSpool(tmp_path / "spool")
    asyncio.run(keep(second, entries()[2:]))
    assert list(FileSpool(tmp_path / "spool").read()) == entries()


def test_an_entry_whose_writer_died_in_the_middle_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    asyncio.run(keep(FileSpool(path), entries()))
    whole = path.read_bytes().partition(b"\0")[0]
    path.write_bytes(whole[:-40])
    assert list(FileSpool(path).read()) == entries()[:-1]


def test_the_room_is_taken_beforehand_and_stays_taken(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool")
    spool.reserve()
    assert (tmp_path / "spool").stat().st_size == RESERVE_BYTES
    assert (tmp_path / "spool").stat().st_blocks * 512 >= RESERVE_BYTES
    assert list(spool.read()) == []
    asyncio.run(keep(spool, entries()))
    asyncio.run(spool.forget("r1"))
    assert (tmp_path / "spool").stat().st_size == RESERVE_BYTES


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    asyncio.run(keep(FileSpool(tmp_path / "spool"), entries()[:1]))
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0


def test_a_full_disk_does_not_keep_it_from_being_written(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "tiny") as disk:
        spool = FileSpool(disk / "spool", reserve_bytes=256 * 1024)
        spool.reserve()
        with pytest.raises(OSError, match="No space"):
            (disk / "ballast").write_bytes(bytes(1 << 20))
        asyncio.run(keep(spool, entries()))
        assert list(spool.read()) == entries()
        with pytest.raises(LedgerFull, match="nothing can be kept in"):
            asyncio.run(keep(FileSpool(disk / "another"), entries()))


def test_a_second_spool_takes_what_the_first_one_cannot(tmp_path: Path) -> None:
    broken = FileSpool(tmp_path / "missing" / "spool")
    spools = Spools(broken, FileSpool(tmp_path / "spool"))
    asyncio.run(keep(spools, entries()))
    assert list(spools.read()) == entries()
    asyncio.run(spools.forget("r1"))
    assert list(spools.read()) == []


def test_without_any_room_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="nothing can be kept in"):
        asyncio.run(keep(Spools(FileSpool(tmp_path / "missing" / "spool")), entries()))
