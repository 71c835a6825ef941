"""What may be forgotten, and what never is."""

from itertools import pairwise
from pathlib import Path

from headgate.controller.housekeeping import needed, sweep
from headgate.core.model import Unit, Version
from headgate.core.model.summary import Move, Outcome, Summary
from headgate.ledger import MemoryLedger
from headgate.plugins.artifacts.folder import FolderArtifacts
from headgate.ports import Provenance

UNIT = Unit("shop", "production", "web")


def version(letter: str) -> Version:
    return Version(UNIT, letter * 64, "0" * 64)


def release(
    number: int,
    move: tuple[str, str],
    outcome: Outcome | None,
    *,
    closed: bool = True,
    warm: tuple[Version, ...] = (),
) -> Summary:
    before, after = (version(letter) for letter in move)
    moves = (Move(UNIT, before, after),)
    name, at = f"r{number}", float(number)
    return Summary(name, 1, "shop", "production", moves, "me", at, at, "x", outcome, closed=closed, warm=warm)


def test_what_runs_is_needed_and_so_is_the_way_back() -> None:
    history = [release(3, ("b", "c"), "promoted"), release(2, ("a", "b"), "promoted")]
    assert needed(history, rollbacks=1) == {"b" * 64, "c" * 64}


def test_what_was_rolled_back_long_ago_is_not_needed() -> None:
    history = [release(2, ("a", "b"), "rolled_back"), release(1, ("a", "a"), "promoted")]
    assert needed(history) == {"a" * 64}


def test_both_sides_of_a_release_under_way_are_needed() -> None:
    assert needed([release(1, ("a", "b"), None, closed=False)]) == {"a" * 64, "b" * 64}


def test_what_is_warm_is_needed() -> None:
    warm = release(9, ("y", "z"), "rolled_back", warm=(version("w"),))
    assert "w" * 64 in needed([warm])


def test_only_so_many_ways_back_are_kept() -> None:
    letters = "abcdefghijklmnop"
    steps = pairwise(letters)
    history = [release(n, move, "promoted") for n, move in enumerate(steps)][::-1]
    assert needed(history, rollbacks=2) == {letter * 64 for letter in letters[-3:]}


def test_a_sweep_leaves_the_newest_and_removes_the_rest(tmp_path: Path) -> None:
    store = FolderArtifacts(tmp_path / "artifacts")
    digests = []
    for n in range(4):
        source = tmp_path / f"v{n}"
        source.mkdir()
        (source / "file").write_text(str(n))
        digests.append(store.put(source, Provenance(float(n), "test")).digest)
    assert sweep(store, MemoryLedger(), keep=2) == tuple(digests[:2])
    assert {artifact.digest for artifact in store.list()} == set(digests[2:])
