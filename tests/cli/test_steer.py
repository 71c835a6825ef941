"""A person at the wheel: hold, approve, resume, promote, abort, roll back; with and without a running controller."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate import wiring
from headgate.cli import exits
from headgate.cli.ask.client import Client
from headgate.cli.home import open_ledger
from headgate.cli.run.steering import Foreground
from headgate.controller.lease import FileLease
from headgate.homes import socket_of
from headgate.ledger import LedgerMissing
from headgate.wiring import daemon
from tests.cli.conftest import PROJECT, Run, make
from tests.cli.towns import Town

ASKING = PROJECT.replace("bake: 200ms}", "bake: 200ms, pause: look at it}")
SLOW = PROJECT.replace("bake: 200ms}", "bake: 1h}")


@pytest.fixture(autouse=True)
def _in_town(town: Town) -> None:
    """Every test here acts on a town."""


@pytest.fixture
def released(run: Run, project: Path) -> Path:
    """A project whose first version runs, and whose second one is made."""
    assert run("deploy", "-e", "staging", "--label", "v1").exit_code == exits.DONE
    make(project, "good", "two")
    return project


@pytest.fixture
def controller(home: Path) -> Iterator[Foreground]:
    """A controller that runs beside the command, as a daemon would."""
    found = Foreground(home)
    found.start()
    yield found
    found.close()


def asking(project: Path, text: str = ASKING) -> None:
    (project / "headgate.yaml").write_text(text)


def without_keys(text: str) -> str:
    """What was said, but for the digests behind the labels."""
    return re.sub(r" \([0-9a-f-]+\)", "", text)


def outcome(home: Path, release: str) -> str | None:
    ledger = open_ledger(home)
    try:
        summary = ledger.summary(release)
        return summary.outcome if summary else None
    finally:
        ledger.close()


def eventually(check: Callable[[], bool], within_s: float = 20.0) -> None:
    until = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.02)


def phase(home: Path, release: str) -> str:
    try:
        ledger = open_ledger(home)
    except LedgerMissing:
        return ""
    try:
        summary = ledger.summary(release)
        return summary.phase if summary else ""
    finally:
        ledger.close()


def test_a_release_that_waits_says_what_for_and_is_carried_on(run: Run, released: Path, home: Path) -> None:
    asking(released)
    held = run("deploy", "-e", "staging")
    assert held.exit_code == exits.HELD
    assert "It waits for your approval: look at it." in held.output
    assert "headgate approve r2" in held.output
    assert "nobody watches it until a controller runs again" in held.output
    done = run("approve", "r2", "--reason", "looks right")
    assert done.exit_code == exits.DONE, done.output
    assert "r2 promoted" in done.output
    again = run("approve", "r2")
    assert (again.exit_code, "r2 has ended: promoted" in again.output) == (exits.REFUSED, True)
    assert "`headgate rollback -e staging web` undoes it" in again.output


def test_a_held_release_is_aborted(run: Run, released: Path, home: Path) -> None:
    asking(released)
    report = json.loads(run("deploy", "-e", "staging", "--json").stdout)
    assert report["outcome"] == "held"
    status = run("status").output
    assert "headgate approve r2   (go on)" in status
    done = run("abort", "--reason", "not today", "--json")
    assert done.exit_code == exits.DONE, done.output
    assert json.loads(done.stdout)["outcome"] == "aborted"
    tried = run("retry", "r2", "--reason", "today")
    assert tried.exit_code == exits.HELD, tried.output
    assert run("promote", "r3", "--reason", "enough").exit_code == exits.DONE
    assert outcome(home, "r3") == "promoted"
    nothing = run("abort")
    assert (nothing.exit_code, "no release is under way" in nothing.output) == (exits.USAGE, True)


def test_a_pause_without_a_controller_says_that_nobody_watches(run: Run, released: Path, home: Path) -> None:
    asking(released)
    assert run("deploy", "-e", "staging").exit_code == exits.HELD
    paused = run("pause", "r2")
    assert (paused.exit_code, "nobody watches it" in paused.output) == (exits.DONE, True)
    assert phase(home, "r2") == "paused"


def test_what_does_not_end_in_time_is_undone(run: Run, released: Path) -> None:
    asking(released)
    late = run("deploy", "-e", "staging", "--wait", "--timeout", "1s", "--json")
    assert late.exit_code == exits.ABORTED, late.output
    assert "(--timeout)" in json.loads(late.stdout)["reason"]


def test_going_back(run: Run, released: Path, home: Path) -> None:
    assert run("deploy", "-e", "staging", "--label", "v2").exit_code == exits.DONE
    way = json.loads(run("rollback", "-e", "staging", "--dry-run", "--json").stdout)
    assert (way["to"], way["units"][0]["unit"]) == ("r1", "shop/staging/web")
    shown = run("rollback", "-e", "staging", "--dry-run")
    assert (shown.exit_code, "Nothing was changed" in shown.output) == (exits.DONE, True)
    assert outcome(home, "r3") is None
    back = run("rollback", "-e", "staging", "web", "--reason", "prices")
    assert back.exit_code == exits.DONE, back.output
    assert "shop/staging/web goes back from v2 to v1, which r1 had promoted." in without_keys(back.output)
    assert "go further back" not in back.output, "there is nothing before the first"
    assert "headgate rollback" not in run("history", "r3").output
    further = run("rollback", "-e", "staging")
    assert (further.exit_code, "there is nothing before it" in further.output) == (exits.REFUSED, True)
    there = run("rollback", "r1")
    assert (there.exit_code, "runs that already" in there.output) == (exits.REFUSED, True)
    assert json.loads(run("rollback", "r2", "--json").stdout)["outcome"] == "promoted"
    for artifact in list((home / "artifacts").rglob("record.json")):
        shutil.rmtree(artifact.parent)
    gone = run("rollback", "r1")
    assert (gone.exit_code, "cannot be had" in gone.output) == (exits.REFUSED, True), gone.output


def test_a_rollback_says_which_changes_of_commands_stay(run: Run, released: Path) -> None:
    before = "    before:\n      - {name: expand, apply: ./up, undo: ./down}\n      - {name: warm, apply: ./warm}\n"
    asking(released, PROJECT.replace("    rollout:\n", before + "    rollout:\n"))
    assert run("deploy", "-e", "staging").exit_code == exits.DONE
    shown = run("rollback", "-e", "staging", "--dry-run")
    assert "which r1 had promoted. It runs no `undo`: what expand changed stays." in shown.output
    way = json.loads(run("rollback", "-e", "staging", "--dry-run", "--json").stdout)
    assert way["units"][0]["stays"] == ["expand"]
    assert run("rollback", "-e", "staging").exit_code == exits.DONE


def test_going_back_twice_goes_further_back_and_says_what_it_passes_over(run: Run, released: Path) -> None:
    assert run("deploy", "-e", "staging", "--label", "v2").exit_code == exits.DONE
    make(released, "good", "three")
    assert run("deploy", "-e", "staging", "--label", "v3").exit_code == exits.DONE
    once = run("rollback", "-e", "staging")
    assert "from v3 to v2, which r2 had promoted." in without_keys(once.output)
    assert "go further back  headgate rollback -e staging web" in once.output
    further = run("rollback", "-e", "staging")
    said = "from v2 to v1, which r1 had promoted; v3 ran in between, and is passed over."
    assert (further.exit_code, said in without_keys(further.output)) == (exits.DONE, True), further.output


def test_what_cannot_be_gone_back_to(run: Run, released: Path) -> None:
    first = run("rollback", "-e", "staging")
    assert (first.exit_code, "there is nothing before it" in first.output) == (exits.REFUSED, True)
    make(released, "bad", "three")
    assert run("deploy", "-e", "staging").exit_code == exits.ROLLED_BACK
    never = run("rollback", "r2")
    assert (never.exit_code, "never promoted" in never.output) == (exits.REFUSED, True)
    assert run("rollback", "r1", "r2").exit_code == exits.USAGE
    assert run("rollback", "wbe").exit_code == exits.USAGE
    assert run("retry", "r1", "--reason", "x").exit_code == exits.REFUSED
    tried = run("retry", "r2", "--reason", " ")
    assert (tried.exit_code, "recorded with its reason" in tried.output) == (exits.USAGE, True)


def test_plan_changes_nothing(run: Run, released: Path, home: Path) -> None:
    result = run("plan", "-e", "staging")
    assert result.exit_code == exits.DONE
    assert "canary 50%" in result.output
    document = json.loads(run("plan", "-e", "staging", "--json").stdout)
    assert document["services"][0]["steps"][-1] == "promote"
    assert json.loads(run("status", "--json").stdout)["units"][0]["moving"] is None
    assert run("deploy", "-e", "staging", "--label", "v2").exit_code == exits.DONE
    assert "nothing to do" in run("plan", "-e", "staging").output
    assert json.loads(run("plan", "-e", "staging", "--json").stdout)["unchanged"] == ["web"]


def test_build_once_deploy_everywhere(run: Run, project: Path) -> None:
    first = json.loads(run("build", "--label", "v1", "--json").stdout)
    again = json.loads(run("build", "--json").stdout)
    digest = first[0]["artifact"]["digest"]
    assert digest == again[0]["artifact"]["digest"]
    make(project, "good", "another")
    report = json.loads(run("deploy", "-e", "staging", "--artifact", "v1", "--json").stdout)
    assert report["to"] == digest
    report = json.loads(run("deploy", "-e", "production", "--artifact", digest[:10], "--json").stdout)
    assert report["to"] == digest
    listed = run("artifacts").output
    assert digest[:12] in listed
    assert "production/web" in listed
    assert "staging/web" in listed


# --- with a controller that runs already -----------------------------------------------------------------------------


def test_the_running_controller_is_asked(
    run: Run, released: Path, home: Path, controller: Foreground
) -> None:
    asking(released)
    held = run("deploy", "-e", "staging")
    assert held.exit_code == exits.HELD
    assert "The controller keeps watching it" in held.output
    assert "The controller runs" in run("status").output
    assert "it stays watched" in run("pause", "r2").output
    refused = run("pause", "r2")
    assert (refused.exit_code, "paused already" in refused.output) == (exits.REFUSED, True)
    assert json.loads(run("resume", "--json").stdout)["said"] == "resume"
    busy = run("deploy", "-e", "staging", "--label", "other")
    assert (busy.exit_code, "r2 is moving shop/staging/web" in busy.output) == (exits.REFUSED, True)
    moving = run("rollback", "-e", "staging")
    assert (moving.exit_code, "`headgate abort r2` undoes that first" in moving.output) == (
        exits.REFUSED,
        True,
    )
    said = run("approve", "r2")
    assert (said.exit_code, "headgate watch r2" in said.output) == (exits.DONE, True)
    assert run("watch", "r2").exit_code == exits.DONE
    make(released, "good", "three")
    wrong = run("deploy", "-e", "staging", "--detach")
    assert (wrong.exit_code, "`headgate up` starts it" in wrong.output) == (exits.USAGE, True)


def test_the_daemon_takes_it_over(
    run: Run, released: Path, home: Path, controller: Foreground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def programs(home: Path) -> dict[str, object]:
        return {"programs": [{"name": "controller", "pid": os.getpid()}]}

    monkeypatch.setattr(wiring, "daemon_status", programs)
    said = run("deploy", "-e", "staging", "--detach")
    assert (said.exit_code, "r2 is under way" in said.output) == (exits.DONE, True)
    assert run("watch", "r2").exit_code == exits.DONE
    make(released, "bad", "three")
    assert json.loads(run("deploy", "-e", "staging", "--detach", "--json").stdout)["release"] == "r3"
    assert run("watch", "r3").exit_code == exits.ROLLED_BACK
    assert run("deploy", "-e", "staging", "--detach").exit_code == exits.REFUSED


def test_two_deploys_at_once(run: Run, released: Path, home: Path) -> None:
    asking(released, SLOW)
    outcomes: list[int] = []
    first = threading.Thread(
        target=lambda: outcomes.append(run("deploy", "-e", "staging", "--json").exit_code)
    )
    first.start()
    eventually(lambda: phase(home, "r2") == "baking")
    make(released, "good", "three")
    found = Client(socket_of(home))
    # This process has one standard output: ask as another command would, from here.
    assert found.health().open[-1] == "r2"
    found.tell("r2", "abort", "bob", "too slow")
    first.join(20)
    assert outcomes == [exits.ABORTED]


def test_when_the_controller_dies_this_command_takes_over(
    released: Path, home: Path, controller: Foreground, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    asking(released, SLOW)
    monkeypatch.setattr("headgate.cli.run.steering.GRACE_S", 0.2)
    told: list[str] = []

    def die_then_end() -> None:
        eventually(lambda: phase(home, "r2") == "baking")
        controller.close()
        eventually(Client(socket_of(home)).answers)
        told.append(Client(socket_of(home)).tell("r2", "abort", "bob", "enough").phase)

    other = threading.Thread(target=die_then_end)
    other.start()
    result = run("deploy", "-e", "staging")
    other.join(20)
    assert result.exit_code == exits.ABORTED, result.output
    assert "this command has taken over" in result.output
    assert told


def test_ctrl_c_first_says_what_it_leaves(
    run: Run, released: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking(released, SLOW)
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if phase(home, "r2") == "baking":
            raise KeyboardInterrupt

    monkeypatch.setattr("headgate.cli.run.watch.time.sleep", nap)
    left = run("deploy", "-e", "staging")
    assert left.exit_code == exits.INTERRUPTED, left.output
    assert "r2 stays as it is: the new version keeps 50% of the traffic" in left.output
    assert "Press Ctrl-C again to leave." in left.output
    assert outcome(home, "r2") is None


def test_up_and_down(run: Run, released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "UP_S", 0.1)
    assert "log/controller.log" in run("up").output
    assert json.loads(run("up", "--json").stdout)["exit"] == exits.INTERNAL
    assert "services and proxy run on" in run("down").output
    assert json.loads(run("down", "--all", "--json").stdout)["everything"] is True


def test_a_lease_that_nobody_answers_for(
    run: Run, released: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.cli.run.steering.STARTING_S", 0.2)
    make(released, "good", "three")
    lease = FileLease(home / "controller.lock")
    lease.acquire()
    try:
        result = run("deploy", "-e", "staging")
    finally:
        lease.release()
    assert result.exit_code == exits.INTERNAL
    assert "another controller holds" in result.stderr
