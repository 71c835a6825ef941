"""The verbs that only look: status, history, explain, ledger, artifacts; over ledgers of told stories."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.cli import exits
from headgate.homes import make_home
from headgate.ledger.chain import GENESIS, link
from tests.cli import stories
from tests.cli.conftest import Run

LOOKS = (
    ("status",),
    ("history",),
    ("history", "r3"),
    ("explain",),
    ("explain", "r1"),
    ("ledger", "verify"),
    ("ledger", "export"),
    ("artifacts",),
    ("version",),
    ("completion", "bash"),
    ("schema",),
    ("validate",),
)


@pytest.fixture
def told(home: Path) -> Path:
    """A home in which something is under way."""
    stories.fill(home, stories.first(), stories.promoted(), stories.baking())
    return home


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_without_a_terminal_there_are_no_escapes(run: Run, told: Path, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == exits.DONE, result.output
    assert result.stdout
    assert "\x1b" not in result.output


@pytest.mark.parametrize("words", [one for one in LOOKS if one != ("ledger", "export")], ids=" ".join)
def test_json_is_one_document(run: Run, told: Path, words: tuple[str, ...]) -> None:
    result = run(*words, "--json")
    assert result.exit_code == exits.DONE, result.output
    json.loads(result.stdout)


def test_status_says_what_runs_and_what_moves(run: Run, told: Path) -> None:
    text = run("status").stdout
    assert "v2 (bbbbbbbbbbbb-cccccccc)" in text
    assert "r2 by bob" in text
    assert "moving    r3 to v3 (dddddddddddd-cccccccc): baking, 10% of" in text
    assert "No controller runs: nothing moves" in text
    document = json.loads(run("status", "--json").stdout)
    assert document["controller"] is None
    (unit,) = document["units"]
    assert unit["stable"]["label"] == "v2"
    assert (unit["moving"]["release"], unit["moving"]["weight"], unit["moving"]["verdict"]) == (
        "r3",
        10,
        "watch",
    )
    assert unit["undo"] == "headgate rollback -e production web"


def test_status_counts_the_judges_own_false_alarms(run: Run, told: Path) -> None:
    expected = {"releases": 1, "false": 0, "rate": 0.0, "promised": 0.01}
    (unit,) = json.loads(run("status", "--json").stdout)["units"]
    assert unit["false_alarms"] == expected, "r1 was the first, r3 has not ended"
    text = " ".join(run("status").stdout.split())
    assert "failed stable against itself in 0 of 1 release (1% promised at most)" in text


def test_status_before_anything_was_released(run: Run, project: Path) -> None:
    result = run("status")
    assert result.exit_code == exits.DONE
    assert "`headgate deploy` begins" in result.stdout
    assert json.loads(run("status", "--json").stdout)["units"] == []


def test_status_filters_by_names_it_knows(run: Run, told: Path) -> None:
    assert "web" in run("status", "-e", "production", "web").stdout
    wrong = run("status", "-e", "prodution")
    assert (wrong.exit_code, "did you mean `production`?" in wrong.stderr) == (exits.USAGE, True)
    wrong = run("status", "wep")
    assert (wrong.exit_code, "did you mean `web`?" in wrong.stderr) == (exits.USAGE, True)


def test_history_is_filtered(run: Run, told: Path) -> None:
    def names(*words: str) -> list[str]:
        return [one["release"] for one in json.loads(run("history", "--json", *words).stdout)]

    assert names() == ["r3", "r2", "r1"]
    assert names("--limit", "1") == ["r3"]
    assert names("--outcome", "promoted") == ["r2", "r1"]
    assert names("-e", "production", "--service", "web", "--limit", "2") == ["r3", "r2"]
    assert names("--outcome", "aborted") == []
    assert run("history", "-e", "staging").exit_code == exits.USAGE
    assert "did you mean `web`?" in run("history", "--service", "wob").stderr


def test_explain_tells_the_latest_or_the_one_that_is_named(run: Run, told: Path) -> None:
    assert "ann asked to move shop/production/web" in run("explain").stdout
    assert "as its first release" in run("explain", "r1").stdout
    assert "as its first release" in run("explain", "1").stdout
    document = json.loads(run("explain", "r3", "--json").stdout)
    assert set(document) == {"report", "sentences", "verdict"}
    wrong = run("explain", "r77")
    assert (wrong.exit_code, "`r3`, `r2` and `r1`" in wrong.stderr) == (exits.USAGE, True)


def test_watching_what_has_ended_shows_how(run: Run, told: Path) -> None:
    result = run("watch", "r2")
    assert result.exit_code == exits.DONE
    assert "r2 promoted" in result.stdout
    lines = [json.loads(line) for line in run("watch", "r2", "--json").stdout.splitlines()]
    assert lines[-1]["outcome"] == "promoted"
    assert all({"release", "at", "after_s", "text", "weighty"} == set(line) for line in lines[:-1])


@pytest.mark.parametrize(
    ("tell", "code"),
    [
        (stories.rolled_back, exits.ROLLED_BACK),
        (stories.held, exits.HELD),
        (stories.approving, exits.HELD),
        (stories.refused, exits.REFUSED),
        (stories.aborted, exits.ABORTED),
    ],
)
def test_the_exit_code_says_how_it_ended(
    run: Run, home: Path, tell: Callable[[], stories.Story], code: int
) -> None:
    stories.fill(home, stories.first(), stories.promoted(), tell())
    assert run("watch", "r3").exit_code == code
    assert run("watch", "r3", "--json").exit_code == code


def test_the_ledger_is_verified_and_exported(run: Run, told: Path, tmp_path: Path) -> None:
    good = run("ledger", "verify")
    assert "entries and" in good.stdout
    anchor = good.stdout.split("newest: ")[1].strip()
    assert run("ledger", "verify", "--anchor", anchor).exit_code == exits.DONE
    assert run("ledger", "verify", "--anchor", "3:beef").exit_code == exits.INTERNAL
    assert run("ledger", "verify", "--anchor", "beef").exit_code == exits.USAGE
    lines = [json.loads(line) for line in run("ledger", "export").stdout.splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    place = tmp_path / "rest.ndjson"
    assert run("ledger", "export", "--after", "2", "--samples", "-o", str(place)).exit_code == exits.DONE
    assert len(place.read_text().splitlines()) == len(lines) - 2


def rewritten(home: Path) -> None:
    """All of the chain anew, as somebody could who may write the file: another author, and every hash right."""
    with sqlite3.connect(home / "ledger.sqlite") as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute(f"drop trigger {name}")
        before = GENESIS
        rows = database.execute(
            "select sequence, release, number, version, body from events order by sequence"
        )
        for sequence, release, number, version, body in rows.fetchall():
            changed = body.replace(b'"author":"', b'"author":"not ')
            before = link(before, sequence, release, number, version, changed)
            database.execute(
                "update events set body = ?, hash = ? where sequence = ?", (changed, before, sequence)
            )
        database.execute("update head set hash = ?", (before,))


def test_a_ledger_that_was_written_anew_is_found_out_by_its_anchors(
    run: Run, told: Path, tmp_path: Path
) -> None:
    make_home(told)
    key, other = tmp_path / "key", tmp_path / "other"
    key.write_text("0123456789abcdef0123456789abcdef\n")
    other.write_text("fedcba9876543210fedcba9876543210\n")
    place = tmp_path / "anchors.ndjson"
    signed, shown = ("--key", str(key)), ("--anchor", str(place))
    for _ in range(2):
        assert run("ledger", "anchor", "--to", str(place), *signed).exit_code == exits.DONE
    assert len(place.read_text().splitlines()) == 2
    assert run("ledger", "anchor", "--to", "-").stdout.startswith('{"home":"')
    told_of = json.loads(place.read_text().splitlines()[0])
    sent = f"{told_of['sequence']}:{told_of['hash']}"
    good = run("ledger", "verify", *shown, *signed, "--anchor", sent)
    assert (good.exit_code, "3 anchors are in it" in good.output) == (exits.DONE, True), good.output
    assert run("ledger", "verify", *shown, "--key", str(other)).exit_code == exits.USAGE
    text = place.read_text()
    for broken in ("", "{", text[:-20], text.replace('"sequence":', '"sequence":1'), '{"home":"x"}\n'):
        place.write_text(broken)
        assert run("ledger", "verify", *shown, *signed).exit_code == exits.USAGE, broken
    place.write_text(text.replace(told_of["home"], "0" * 32))
    assert "of another home" in run("ledger", "verify", *shown).output
    place.write_text(text)
    rewritten(told)
    assert run("ledger", "verify").exit_code == exits.DONE, "the chain alone does not show it"
    for anchors in (shown, (*shown, *signed), ("--anchor", sent)):
        found = run("ledger", "verify", *anchors)
        assert (found.exit_code, "not the entry that the anchor" in found.output) == (exits.INTERNAL, True)


def test_a_key_that_could_be_guessed_signs_nothing(run: Run, told: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2")
    refused = run("ledger", "anchor", "--to", str(tmp_path / "x"), "--key", str(tmp_path / "key"))
    assert (refused.exit_code, "at least 16 bytes" in refused.output) == (exits.USAGE, True)
    assert not (tmp_path / "x").exists()


def test_a_tampered_ledger_is_found_out(run: Run, told: Path) -> None:
    with sqlite3.connect(told / "ledger.sqlite") as database:
        tables = [
            name for (name,) in database.execute("select name from sqlite_master where type = 'trigger'")
        ]
        for name in tables:
            database.execute(f"drop trigger {name}")
        database.execute(
            "update events set body = cast(replace(cast(body as text), 'ann', 'bob') as blob) where sequence = 1"
        )
    database.close()
    result = run("ledger", "verify")
    assert result.exit_code == exits.INTERNAL
    assert "entry 1 (r1)" in result.stderr
    assert json.loads(run("ledger", "verify", "--json").stdout)["broken"]["entry"] == 1


@pytest.mark.parametrize(
    "words", [("explain",), ("history",), ("watch",), ("abort",), ("ledger", "verify")], ids=" ".join
)
def test_a_home_without_a_ledger_is_said_so(run: Run, project: Path, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == exits.USAGE
    assert "`headgate deploy` begins" in result.stderr


@pytest.mark.parametrize(
    "verb", ["explain", "history", "watch", "abort", "resume", "pause", "retry", "replay"]
)
def test_a_release_that_there_is_not_is_answered_with_those_there_are(
    run: Run, told: Path, verb: str
) -> None:
    more = ("--reason", "why") if verb == "retry" else ()
    result = run(verb, "r99", *more)
    assert result.exit_code == exits.USAGE, result.output
    assert "there is no release `r99`" in result.stderr
    assert "`r3`" in result.stderr
