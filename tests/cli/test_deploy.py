"""`deploy` and what belongs to it, through the real controller in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli import exits
from tests.cli.conftest import Run, make
from tests.cli.towns import Town

KEYS = {
    "release",
    "environment",
    "service",
    "from",
    "to",
    "outcome",
    "reason",
    "steps",
    "bad_requests_served",
    "detected_after_s",
    "restored_after_s",
}


@pytest.fixture(autouse=True)
def _in_town(town: Town) -> None:
    """Every test here acts on a town."""


def test_a_good_version_is_promoted(run: Run, project: Path) -> None:
    first = run("deploy", "-e", "staging", "--label", "v1")
    assert first.exit_code == exits.DONE, first.output
    assert "r1 promoted" in first.output
    make(project, "good", "two")
    second = run("deploy", "-e", "staging", "--json")
    assert second.exit_code == exits.DONE, second.output
    report = json.loads(second.stdout)
    assert set(report) >= KEYS
    assert (report["outcome"], report["release"], report["service"]) == ("promoted", "r2", "web")
    assert [step["weight"] for step in report["steps"]] == [50, 100]
    assert "asked to move shop/staging/web" in second.stderr


def test_a_bad_version_is_rolled_back(run: Run, project: Path) -> None:
    run("deploy", "-e", "staging")
    make(project, "bad", "two")
    bad = run("deploy", "-e", "staging", "--json")
    assert bad.exit_code == exits.ROLLED_BACK, bad.output
    report = json.loads(bad.stdout)
    assert report["outcome"] == "rolled_back"
    assert report["bad_requests_served"] > 0
    assert report["restored_after_s"] is not None
    again = run("deploy", "-e", "staging")
    assert again.exit_code == exits.REFUSED
    assert '--retry "reason"' in again.output
    refused = json.loads(run("deploy", "-e", "staging", "--json").stdout)
    assert refused["outcome"] == "refused"
    assert "nothing has changed since" in refused["reason"]
    assert ['--retry "reason"' in hint for hint in refused["hints"]] == [True]
    assert report["hints"] == []
    tried = run("deploy", "-e", "staging", "--retry", "a hunch")
    assert tried.exit_code == exits.ROLLED_BACK, tried.output


def test_what_runs_already_is_left_alone(run: Run, project: Path) -> None:
    run("deploy", "-e", "staging")
    again = run("deploy", "-e", "staging")
    assert (again.exit_code, "nothing to do" in again.output) == (exits.DONE, True)
    report = json.loads(run("deploy", "-e", "staging", "--json").stdout)
    assert set(report) >= KEYS
    assert report["outcome"] == "unchanged"
