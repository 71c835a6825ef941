"""No way back, as a person types it: the plan says it, rollback is refused, and lifting the barrier opens the way."""

import json
from pathlib import Path

import pytest

from headgate.cli import exits
from tests.cli.conftest import PROJECT, Run, make
from tests.cli.towns import Town

REASON = "a new format"
LEGAL = f"going back to before r2 is illegal: {REASON}"


@pytest.fixture(autouse=True)
def _in_town(town: Town) -> None:
    """Every test here acts on a town."""


@pytest.fixture
def released(run: Run, project: Path) -> Path:
    """A project whose second version is promoted, and of which there is no way back."""
    assert run("deploy", "-e", "staging", "--label", "v1").exit_code == exits.DONE
    make(project, "good", "two")
    text = PROJECT.replace("    listen: ", f"    rollback: {{one_way: {REASON}}}\n    listen: ", 1)
    assert text != PROJECT
    (project / "headgate.yaml").write_text(text)
    planned = run("plan", "-e", "staging")
    assert f"begins: {REASON}" in " ".join(planned.output.split()), planned.output
    done = run("deploy", "-e", "staging", "--label", "v2")
    assert done.exit_code == exits.DONE, done.output
    return project


def said(output: str) -> str:
    return " ".join(output.split())


def test_rollback_is_refused_until_the_barrier_is_lifted(run: Run, released: Path) -> None:
    for arguments in ((), ("--dry-run",), ("r1",), ("--break-glass", "a fire")):
        refused = run("rollback", *(arguments or ("-e", "staging")))
        assert (refused.exit_code, LEGAL in said(refused.output)) == (exits.REFUSED, True), refused.output
    status = run("status")
    assert LEGAL in said(status.output)
    (unit,) = json.loads(run("status", "--json").stdout)["units"]
    assert (unit["undo"], unit["barred"]) == (None, LEGAL)
    assert LEGAL in said(run("barrier", "list").output)
    (listed,) = json.loads(run("barrier", "list", "--json").stdout)
    assert (listed["release"], listed["reason"]) == ("r2", REASON)
    assert run("barrier", "lift", "web").exit_code != exits.DONE
    lifted = run("barrier", "lift", "-e", "staging", "web", "--reason", "both formats work")
    assert (lifted.exit_code, "is lifted" in lifted.output) == (exits.DONE, True), lifted.output
    assert "There is no barrier" in run("barrier", "list").output
    assert run("barrier", "lift", "web", "--reason", "again").exit_code == exits.REFUSED
    assert run("rollback", "-e", "staging").exit_code == exits.DONE


def test_the_next_release_of_the_same_file_can_be_undone_and_is_told_of_the_key(
    run: Run, released: Path
) -> None:
    make(released, "good", "three")
    planned = said(run("plan", "-e", "staging").output)
    assert "`rollback.one_way` of shop/staging/web was meant for r2" in planned
    assert "going back ends" not in planned
    assert run("deploy", "-e", "staging", "--label", "v3").exit_code == exits.DONE
    assert run("rollback", "-e", "staging").exit_code == exits.DONE
