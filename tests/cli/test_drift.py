"""What is declared, recorded and real, as `status`, `plan`, `doctor`, `deploy` and `retire` say it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate import wiring
from headgate.cli import exits
from headgate.cli.ask.examine import Subject, examine
from headgate.cli.session import Session
from headgate.core.drift import Part
from headgate.ledger import SqliteLedger
from headgate.ledger.projections import fleet_of
from headgate.plugins.artifacts.folder import FolderArtifacts
from tests.cli.conftest import Run
from tests.cli.towns import Daemon, Town
from tests.seen import host

pytestmark = pytest.mark.usefixtures("seen")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, town: Town) -> None:
    """The world that is asked is the town."""

    async def ready() -> bool:
        return True

    monkeypatch.setattr(wiring, "to_ask", lambda home: (host(town, town, ready), Daemon(home)))


@pytest.fixture
def released(run: Run, project: Path) -> Path:
    """The project, with its service released to staging; returns its file."""
    assert run("deploy", "-e", "staging", "--label", "v1").exit_code == exits.DONE
    return project / "headgate.yaml"


def differs(run: Run) -> dict[str, dict[str, Any]]:
    """What is not as it should be, by kind."""
    return {one["kind"]: one for one in json.loads(run("status", "--json").stdout)["drift"]}


def test_status_says_what_is_declared_and_what_the_world_answers(run: Run, released: Path) -> None:
    found = differs(run)
    assert found["listening"]["command"] == "headgate up"  # the town has no port
    assert "unreleased" not in found  # production may be another host's
    text = run("status").stdout
    assert "down      v1" in text
    assert "nothing listens at 127.0.0.1:18080" in text


def test_a_deploy_that_has_nothing_to_do_says_what_the_world_says(run: Run, released: Path) -> None:
    done = run("deploy", "-e", "staging", "--artifact", "v1")
    assert "nothing to do" in done.output
    assert "nothing listens at 127.0.0.1:18080: `headgate up`" in done.output


def test_a_new_service_of_an_environment_that_runs_here_is_said(run: Run, released: Path) -> None:
    text = released.read_text()
    service = text[text.index("  web:") : text.index("environments:")]
    other = service.replace("web:", "api:").replace("18080", "18090")
    released.write_text(text.replace("environments:", f"{other}environments:", 1))
    assert differs(run)["unreleased"]["command"] == "headgate deploy -e staging api"


def test_status_reads_a_file_once_and_again_when_it_is_another(
    run: Run, released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("status")

    def unread(_: Session) -> None:
        raise AssertionError("the file is as it was")

    with monkeypatch.context() as patched:
        patched.setattr(Session, "project", property(unread))
        assert "size" not in differs(run)
    released.write_text(released.read_text().replace("listen: 18080", "listen: 18080\n    instances: 3"))
    assert "3 instances" in differs(run)["size"]["sentence"]


def test_a_file_that_is_wrong_is_said_and_the_rest_is_shown(run: Run, released: Path) -> None:
    released.write_text("headgate: 1\nprojekt: shop\n")
    result = run("status")
    assert result.exit_code == exits.DONE
    assert "headgate validate" in result.stdout
    assert "v1" in result.stdout


def test_a_service_that_left_the_file_is_named_refused_and_retired(run: Run, released: Path) -> None:
    released.write_text(released.read_text().replace("  web:", "  api:").replace("{web:", "{api:"))
    assert differs(run)["undeclared"]["command"] == "headgate retire -e staging web"
    planned = run("plan", "-e", "staging", "--artifact", "v1")
    assert planned.exit_code == exits.REFUSED
    assert "is taken by shop/staging/web, which runs and is no longer in headgate.yaml" in " ".join(
        planned.stdout.split()
    )
    assert "headgate retire -e staging web" in planned.stdout
    refused = json.loads(run("deploy", "-e", "staging", "--artifact", "v1", "--json").stdout)
    assert refused["outcome"] == "refused"
    assert run("retire", "web", "-e", "staging").exit_code == exits.USAGE
    assert run("retire", "wep", "-e", "staging", "--yes").exit_code == exits.USAGE
    gone = run("retire", "web", "-e", "staging", "--reason", "it is api now", "--json")
    assert (gone.exit_code, json.loads(gone.stdout)["done"]) == (exits.DONE, True)
    assert run("deploy", "-e", "staging", "--artifact", "v1").exit_code == exits.DONE
    assert "undeclared" not in differs(run)
    assert run("ledger", "verify").exit_code == exits.DONE


def test_a_port_that_a_declared_service_has_is_refused_otherwise(run: Run, released: Path) -> None:
    text = released.read_text()
    service = text[text.index("  web:") : text.index("environments:")]
    released.write_text(text.replace("environments:", f"{service.replace('web:', 'api:')}environments:", 1))
    refused = run("deploy", "api", "-e", "staging", "--artifact", "v1")
    assert refused.exit_code in (exits.REFUSED, exits.USAGE)  # the file itself may be refused for it
    assert "18080" in refused.output


def test_plan_says_what_changes_nothing_that_runs(run: Run, released: Path) -> None:
    released.write_text(released.read_text().replace("warm: 1s", "warm: 2s"))
    planned = run("plan", "-e", "staging", "--artifact", "v1")
    assert "nothing to do" in planned.stdout
    assert "the next version gets its traffic by it" in planned.stdout
    document = json.loads(run("plan", "-e", "staging", "--artifact", "v1", "--json").stdout)
    assert document["unchanged"] == ["web"]
    assert "rollout" in document["later"]["web"][0]


def test_the_size_alone_is_planned_and_deployed(run: Run, released: Path) -> None:
    released.write_text(released.read_text().replace("listen: 18080", "listen: 18080\n    instances: 3"))
    planned = json.loads(run("plan", "-e", "staging", "--artifact", "v1", "--json").stdout)
    assert planned["services"][0]["adjusts"] == ["1 -> 3 instances"]
    assert "1 -> 3 instances" in run("plan", "-e", "staging", "--artifact", "v1").stdout
    assert run("deploy", "-e", "staging", "--artifact", "v1").exit_code == exits.DONE
    assert "size" not in differs(run)
    no_way = run("rollback", "-e", "staging")
    assert "there is nothing" in no_way.stderr  # v1 is its first version, in whatever size


# --- doctor -----------------------------------------------------------------------------------------------------------


def test_doctor_has_a_line_for_everything_and_exits_with_1_when_something_is_wrong(
    run: Run, released: Path
) -> None:
    result = run("doctor")
    assert result.exit_code == exits.INTERNAL
    for name in (
        "process daemon",
        "proxy",
        "keeper",
        "controller",
        "home",
        "ledger",
        "disk",
        "locks",
        "artifact of",
    ):
        assert name in result.stdout
    assert "nothing listens" in result.stdout
    document = json.loads(run("doctor", "--json").stdout)
    assert document["well"] is False
    assert {one["name"] for one in document["checks"]} >= {"ledger", "disk", "artifact of shop/staging/web"}


def test_doctor_before_anything_was_released(run: Run, project: Path) -> None:
    assert (run("doctor").exit_code, json.loads(run("doctor", "--json").stdout)["well"]) == (exits.DONE, True)


def examined(home: Path, **parts: Part) -> dict[str, Part]:
    ledger = SqliteLedger(home / "ledger.sqlite", readonly=True)
    named = {name.replace("_", " "): part for name, part in parts.items()}
    try:
        subject = Subject(home, fleet_of(ledger), FolderArtifacts(home / "artifacts"), named)
        return {part.name: part for part in examine(subject)}
    finally:
        ledger.close()


def test_a_home_that_is_well_has_nothing_to_mend(released: Path, home: Path) -> None:
    home.chmod(0o700)
    assert [part for part in examined(home).values() if not part.well] == []


def test_a_log_folder_that_is_gone_is_found(released: Path, home: Path) -> None:
    (home / "run").mkdir(exist_ok=True)
    shutil.rmtree(home / "log", ignore_errors=True)
    part = examined(home)["logs"]
    assert (part.well, part.mend) == (False, f"mkdir -p -m 700 {home / 'log'}")


def test_an_artifact_that_was_changed_is_found(released: Path, home: Path) -> None:
    (file,) = (home / "artifacts" / "trees").glob("*/content/quality")
    file.chmod(0o644)
    file.write_text("bad")
    part = examined(home)["artifact of shop/staging/web"]
    assert part.well is False
    assert "quality" in part.evidence


def test_a_disk_that_is_full_is_found(released: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    assert examined(home)["disk"].well is False


def test_a_lock_file_that_was_deleted_under_its_owner_is_found(released: Path, home: Path) -> None:
    running = Part("process daemon", well=True, evidence="it answers")
    part = examined(home, process_daemon=running)["locks"]
    assert part.well is False
    assert "run/supervisord.lock" in part.evidence


def test_a_home_that_others_may_enter_is_found(released: Path, home: Path) -> None:
    home.chmod(0o755)
    part = examined(home)["home"]
    assert (part.well, part.mend) == (False, f"chmod 700 {home}")


def test_a_ledger_that_another_process_holds_is_found(released: Path, home: Path) -> None:
    holder = sqlite3.connect(home / "ledger.sqlite", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        part = examined(home)["ledger"]
    finally:
        holder.close()
    assert part.well is False
    assert "cannot be written" in part.evidence


def test_a_command_does_not_wait_for_a_question_that_was_left_behind() -> None:
    """A thread that waits for a part that hangs would keep the process from its end."""
    code = (
        "import threading; from headgate.cli.exits import leave, leave_behind;"
        "threading.Thread(target=threading.Event().wait).start(); leave_behind('it'); print('said'); leave(3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (3, "said\n")
