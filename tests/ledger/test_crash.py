"""Whatever was acknowledged is there, however the writer died."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import headgate
from headgate.ledger import SqliteLedger
from headgate.ledger.verify import verify
from headgate.testing.ledger import write
from tests.ledger import writing

SOURCES = Path(headgate.__file__).parent.parent


@contextmanager
def writer(ledger: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = (sys.executable, writing.__file__, str(ledger))
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [next(process.stdout) for _ in range(count)]


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    for kill_after in (1, 57, 230):
        with writer(place) as process:
            lines = acknowledged(process, kill_after)
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            lines += [line for line in process.stdout if line.endswith("\n")]
        ledger = SqliteLedger(place)
        stored = {entry.sequence: entry for entry in ledger.since(0, limit=100_000)}
        for line in lines:
            sequence, release, number, digest = line.split()
            entry = stored[int(sequence)]
            assert (entry.release, entry.number, entry.hash) == (release, int(number), digest)
        audit = verify(ledger)
        assert audit.broken is None
        assert audit.entries == ledger.last_sequence() >= len(lines)
        for summary in ledger.summaries():
            assert summary.sequence == len(ledger.read(summary.release))
        ledger.close()


def test_readers_see_entries_while_another_process_writes(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    with writer(place) as process:
        acknowledged(process, 20)
        reader = SqliteLedger(place, readonly=True)
        seen = 0
        for _ in range(5):
            sequence = max(int(line.split()[0]) for line in acknowledged(process, 20))
            entries = reader.since(seen, limit=100_000)
            assert [entry.sequence for entry in entries] == list(range(seen + 1, seen + 1 + len(entries)))
            seen += len(entries)
            assert seen >= sequence
            assert len(reader.summaries(open_only=True)) == writing.RELEASES
        assert verify(reader).broken is None
        reader.close()


def test_two_processes_write_one_ledger(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    ledger = SqliteLedger(place)
    with writer(place) as process:
        acknowledged(process, 5)
        for number in range(1, 21):
            asyncio.run(write(ledger, "mine", number))
        acknowledged(process, 5)
    assert [entry.number for entry in ledger.read("mine")] == list(range(1, 21))
    assert verify(ledger).broken is None
    ledger.close()


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_it_can_be_made_again_after_a_death_at_its_very_beginning(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"ledger.db{suffix}").touch()
    ledger = SqliteLedger(tmp_path / "ledger.db")
    asyncio.run(write(ledger, "r1", 1))
    ledger.close()
