"""Whatever was changed behind our back, `verify` names the first entry that shows it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from headgate.ledger import LedgerCorrupt, SqliteLedger, sample_digest
from headgate.ledger.chain import link
from headgate.ledger.export import export
from headgate.ledger.verify import Head, verify
from headgate.testing.ledger import a_sample, write_all

SWAP = "UPDATE events SET {0} = (SELECT other.{0} FROM copied AS other WHERE other.sequence = 9 - events.sequence)"
ROWS = "WHERE sequence IN (4, 5)"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two releases, six entries each, one after the other; entries 2, 4, 6, 8, ... name samples."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    asyncio.run(write_all(ledger, "r1", 6))
    asyncio.run(write_all(ledger, "r2", 6))
    ledger.close()
    return ledger.path


def tamper(place: Path, *statements: str) -> None:
    with closing(sqlite3.connect(place)) as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


CHANGES = {
    "body": (
        "UPDATE events SET body = CAST(replace(body, 'ada', 'eve') AS BLOB) WHERE sequence = 5",
        5,
        "hash",
    ),
    "one byte": ("UPDATE events SET body = CAST(body || ' ' AS BLOB) WHERE sequence = 12", 12, "hash"),
    "release": ("UPDATE events SET release = 'r3' WHERE sequence = 7", 7, "hash"),
    "number": ("UPDATE events SET number = 99 WHERE sequence = 3", 3, "hash"),
    "version": ("UPDATE events SET version = 2 WHERE sequence = 1", 1, "hash"),
    "hash": ("UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE sequence = 6", 6, "hash"),
    "sequence": ("UPDATE events SET sequence = 50 WHERE sequence = 12", 12, "sequence"),
    "a note of a sample": ("UPDATE events SET sample = NULL WHERE sequence = 4", 4, "sample"),
    "the first removed": ("DELETE FROM events WHERE sequence = 1", 1, "sequence"),
    "one removed": ("DELETE FROM events WHERE sequence = 8", 8, "sequence"),
    "the last removed": ("DELETE FROM events WHERE sequence = 12", 12, "last entry"),
    "all removed": ("DELETE FROM events", 1, "last entry"),
    "one added": (
        "INSERT INTO events SELECT 13, 'r9', 1, 1, body, sample, hash FROM events LIMIT 1",
        13,
        "head",
    ),
    "head back": ("UPDATE head SET sequence = 11", 12, "head"),
    "head's hash": ("UPDATE head SET hash = replace(hash, substr(hash, 1, 1), 'x')", 13, "last entry"),
    "a sample": (
        "UPDATE samples SET body = CAST(replace(body, '100', '900') AS BLOB) WHERE at = 4",
        4,
        "sample",
    ),
    "a sample removed": ("DELETE FROM samples WHERE at = 6", 6, "sample"),
    "a summary removed": ("DELETE FROM summaries WHERE release = 'r2'", 12, "summary"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_found(place: Path, change: tuple[str, int, str]) -> None:
    statement, entry, field = change
    tamper(place, statement)
    ledger = SqliteLedger(place, readonly=True)
    audit = verify(ledger)
    ledger.close()
    assert audit.broken is not None
    assert (audit.broken.entry, audit.broken.field) == (entry, field)
    assert str(audit.broken).startswith(f"entry {entry}")
    assert audit.broken.expected != audit.broken.found


def test_swapped_rows_are_found(place: Path) -> None:
    columns = ("release", "version", "body", "sample", "hash")
    tamper(
        place,
        "CREATE TEMP TABLE copied AS SELECT * FROM events",
        *(f"{SWAP.format(column)} {ROWS}" for column in columns),
    )
    ledger = SqliteLedger(place, readonly=True)
    broken = verify(ledger).broken
    ledger.close()
    assert broken is not None
    assert broken.entry == 4


def test_a_change_with_a_new_hash_shows_at_the_next_entry(place: Path) -> None:
    ledger = SqliteLedger(place, readonly=True)
    third, fourth = list(ledger.records())[2:4]
    ledger.close()
    body = fourth.body.replace(b"watch", b"pass!")
    forged = link(third.hash, fourth.sequence, fourth.release, fourth.number, fourth.version, body)
    tamper(
        place,
        "UPDATE events SET body = CAST(replace(body, 'watch', 'pass!') AS BLOB) WHERE sequence = 4",
        f"UPDATE events SET hash = '{forged}' WHERE sequence = 4",  # noqa: S608 - of our own making
    )
    ledger = SqliteLedger(place, readonly=True)
    broken = verify(ledger).broken
    ledger.close()
    assert broken is not None
    assert broken.entry in (4, 5)  # what it says now cannot be read, or the next does not follow


def test_an_anchor_finds_a_history_that_was_written_anew(place: Path) -> None:
    ledger = SqliteLedger(place, readonly=True)
    fifth = ledger.since(4)[0]
    assert verify(ledger, anchors=[Head(5, fifth.hash)]).broken is None
    other = verify(ledger, anchors=[Head(5, fifth.hash), Head(5, "f" * 64)]).broken
    later = verify(ledger, anchors=[Head(2, ledger.since(1)[0].hash), Head(99, fifth.hash)]).broken
    ledger.close()
    assert other is not None
    assert (other.entry, other.expected, other.found) == (5, "f" * 64, fifth.hash)
    assert later is not None
    assert later.entry == 13


def test_nobody_writes_on_after_a_broken_end(place: Path) -> None:
    for statement in ("UPDATE head SET sequence = 20", "UPDATE events SET number = 7 WHERE sequence = 12"):
        tamper(place, statement)
        with pytest.raises(LedgerCorrupt, match="headgate ledger verify"):
            SqliteLedger(place)


def test_a_changed_sample_is_not_given_out(place: Path) -> None:
    tamper(place, "UPDATE samples SET body = CAST(replace(body, '100', '900') AS BLOB) WHERE at = 4")
    ledger = SqliteLedger(place, readonly=True)
    with pytest.raises(LedgerCorrupt, match="changed after it was written"):
        ledger.sample(sample_digest(a_sample(4.0)))
    with pytest.raises(LedgerCorrupt):
        ledger.samples("r1")
    ledger.close()


STRANGE = {
    "text for bytes": "UPDATE events SET body = 'x' WHERE sequence = 3",
    "nothing for a name": "UPDATE events SET hash = x'00' WHERE sequence = 3",
    "bytes for a number": "UPDATE events SET number = x'01' WHERE sequence = 3",
}


@pytest.mark.parametrize("statement", STRANGE.values(), ids=STRANGE)
def test_what_is_of_no_such_type_is_told(place: Path, statement: str) -> None:
    try:
        tamper(place, statement)
    except sqlite3.IntegrityError:
        return  # the table itself is strict: only a file that was made elsewhere gets so far
    ledger = SqliteLedger(place, readonly=True)
    with closing(ledger), pytest.raises(LedgerCorrupt, match="what is no entry"):
        verify(ledger)


@pytest.mark.parametrize("body", ["no JSON", '{"a":\n1}', '{"a": "'])
def test_nothing_is_exported_that_would_be_no_line_of_json(place: Path, body: str) -> None:
    tamper(place, f"UPDATE events SET body = CAST('{body}' AS BLOB) WHERE sequence = 3")  # noqa: S608 - of the words above
    ledger = SqliteLedger(place, readonly=True)
    with closing(ledger), pytest.raises(LedgerCorrupt, match="entry 3 cannot be exported"):
        list(export(ledger))


def test_the_export_holds_what_the_hashes_cover(place: Path) -> None:
    ledger = SqliteLedger(place, readonly=True)
    lines = list(export(ledger, samples=True))
    records = list(ledger.records())
    assert list(export(ledger, after=10)) == list(export(ledger))[10:]
    ledger.close()
    assert len(lines) == len(records) == 12
    for line, record in zip(lines, records, strict=True):
        assert record.body in line
        assert line.count(b"\n") == 1
        fields = json.loads(line)
        assert (fields["sequence"], fields["release"], fields["hash"]) == (
            record.sequence,
            record.release,
            record.hash,
        )
        assert fields["event"]["type"] == ("Judged" if record.sample else "ReleasePaused")
        assert ("sample" in fields) == (record.sample is not None)
