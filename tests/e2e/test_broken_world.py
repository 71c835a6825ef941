"""The world breaks at the moment when a canary turns bad: users are off it all the same, and nothing is missing after.

The canary turns bad when a file appears, so that the fault can be there first.
"""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-6"), pytest.mark.timeout(180)]

OFF_WITHIN_S = 5.0
"""So soon users are off the bad version, once it is bad and any single way is open."""

STEPS = [{"weight": "50%", "bake": "100s", "deadline": "150s"}]
TURNS_BAD = """
import os
good = Shop.catalogue
def catalogue(self, *given):
    if os.path.exists({flag!r}):
        raise RuntimeError("the canary has turned bad")
    return good(self, *given)
Shop.catalogue = catalogue
"""


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    return tmp_path / "bad"


@pytest.fixture
def baking(town: Town, flag: Path) -> Iterator[tuple[str, str]]:
    """The daemon bakes a new version at 50%; gives the labels of the old one and the new one."""
    town.plan(steps=STEPS)
    good = town.stable()
    new = town.build(main=TURNS_BAD.format(flag=str(flag)))
    town.up()
    done = town.headgate("deploy", "--artifact", new, "--detach", "--json")
    assert done.code == 0, done.said
    town.comes_to("baking")
    town.until(lambda: town.answerers(10) == {good, new}, "both versions to answer")
    yield good, new
    town.calm()


def off_after_s(town: Town, good: str, within_s: float = 30.0) -> float:
    """How long it takes until twenty requests in a row are answered by the old version, in seconds."""
    began = time.monotonic()

    def back() -> bool:
        answers = [town.get() for _ in range(20)]
        return all((one.status, one.version) == (200, good) for one in answers)

    town.until(back, "users to be off the bad version", within_s)
    return time.monotonic() - began


@contextlib.contextmanager
def no_route_file(town: Town) -> Generator[None]:
    """What is in the way of each draft is a folder."""
    drafts = [
        routes.with_name(f".{routes.name}.draft") for routes in (town.home / "envoy" / "rds").glob("*.json")
    ]
    for draft in drafts:
        draft.mkdir()
    try:
        yield
    finally:
        for draft in drafts:
            draft.rmdir()


@contextlib.contextmanager
def locked_ledger(town: Town) -> Generator[None]:
    """A backup tool holds the ledger's lock."""
    with contextlib.closing(sqlite3.connect(town.home / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextlib.contextmanager
def ledger_removed(town: Town) -> Generator[None]:
    """Somebody has deleted the ledger's file while it is in use."""
    file = town.home / "ledger.sqlite"
    file.unlink()
    yield
    town.until(file.exists, "the ledger to be written back", 20.0)


Fault = Callable[[Town], contextlib.AbstractContextManager[None]]


@pytest.mark.parametrize("fault", [no_route_file, locked_ledger, ledger_removed])
def test_a_canary_that_turns_bad_is_off_traffic_whatever_else_is_broken(
    town: Town, baking: tuple[str, str], flag: Path, fault: Fault
) -> None:
    good, _ = baking
    with town.customers():
        with fault(town):
            flag.touch()
            assert off_after_s(town, good) < OFF_WITHIN_S
            assert town.answerers(40) == {good}
        town.until(lambda: town.releases()[0].outcome == "rolled_back", "the release to be over")
    town.until(lambda: town.releases()[0].closed, "the bad version to be stopped")
    town.verify()
    assert "the canary is worse" in town.headgate("explain").said or "errors" in town.headgate("explain").said


def test_without_the_admin_interface_abort_moves_users_by_what_is_written(
    town: Town, baking: tuple[str, str]
) -> None:
    """Nothing can be measured or confirmed then; what Envoy watches can still be written."""
    good, _ = baking
    socket = town.home / "run" / "envoy.sock"
    away = socket.with_name("away.sock")
    socket.rename(away)
    try:
        abort = town.start("abort", "--reason", "nothing can be measured")
        assert off_after_s(town, good) < OFF_WITHIN_S
        assert "does not answer" in town.headgate("status").said
    finally:
        away.rename(socket)
    assert abort.end().code == 0
    town.until(lambda: town.releases()[0].closed, "the release to be over")


def test_abort_answers_at_once_with_what_it_did_while_the_ledger_is_locked(
    town: Town, baking: tuple[str, str]
) -> None:
    good, _ = baking
    with locked_ledger(town):
        began = time.monotonic()
        done = town.headgate("abort", "--reason", "a customer called")
        took_s = time.monotonic() - began
        assert done.code == 0, done.said
        assert "is back on" in done.said
        assert "what happens meanwhile is kept beside it" in done.said
        assert town.answerers(40) == {good}
        assert took_s < 1.0 + START_S, done.said
    town.until(lambda: town.releases()[0].outcome == "aborted", "the ledger to have it")
    assert "a customer called" in town.headgate("explain").said
    town.verify()


START_S = 1.5
"""What a command may take to start, on a machine that is busy with other tests."""


def test_a_copy_of_a_live_home_commands_nothing_of_it(town: Town) -> None:
    good = town.stable()
    copy = town.home.with_name("copy")
    shutil.copytree(town.home, copy, symlinks=True, ignore=shutil.ignore_patterns("*.sock", ".*"))
    try:
        with town.customers() as customers:
            for words in (("down", "--all"), ("up",), ("down",)):
                refused = town.headgate("--home", str(copy), *words)
                assert refused.code == 3, refused.said
                assert f"is a copy of the home {town.home}" in refused.said
            assert town.answerers() == {good}
        customers.seen.nothing_bad()
    finally:
        shutil.rmtree(copy)


def test_a_ledger_from_before_is_found_and_settled_by_a_persons_word(new_town: Callable[[], Town]) -> None:
    town = new_town()
    first = town.build()
    town.promoted(first)
    assert town.headgate("down").code == 0
    shutil.copyfile(town.home / "ledger.sqlite", town.folder / "before.sqlite")
    second = town.build()
    town.promoted(second, "--break-glass", "no time")
    assert town.answerers() == {second}
    town.headgate("down")
    for left in town.home.glob("ledger.sqlite*"):
        left.unlink()
    shutil.copyfile(town.folder / "before.sqlite", town.home / "ledger.sqlite")
    third = town.build()
    refused = town.deploy(third)
    assert refused.code == 3, refused.said
    assert "the world is ahead of the ledger" in refused.said
    assert town.answerers() == {second}
    settled = town.headgate("ledger", "reconcile", "--reason", "the backup counts")
    assert settled.code == 0, settled.said
    assert "r2" in settled.said
    assert town.promoted(third, "--break-glass", "no time") == "r3"
    assert town.answerers() == {third}
    town.verify()
