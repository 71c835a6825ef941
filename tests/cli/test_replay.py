"""`headgate replay`, `headgate backtest`: recorded releases, judged again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli import exits
from tests.cli.conftest import PROJECT, Run, make
from tests.cli.towns import Town

STAGING = ("deploy", "-e", "staging", "--json")


@pytest.fixture
def history(run: Run, town: Town, project: Path) -> Path:
    """A first release, a good one and a bad one; and a project file with other criteria."""
    assert run(*STAGING).exit_code == exits.DONE
    make(project, "good", "two")
    assert run(*STAGING).exit_code == exits.DONE
    make(project, "bad", "three")
    assert run(*STAGING).exit_code == exits.ROLLED_BACK
    other = project / "other.yaml"
    other.write_text(PROJECT.replace("p99: off", "p99: off\n      error_ratio: off"))
    return other


@pytest.mark.parametrize("release", ["r2", "r3"])
def test_a_replay_is_the_same_bit_for_bit(run: Run, history: Path, release: str) -> None:
    result = run("replay", release)
    assert result.exit_code == exits.DONE, result.output
    assert "Every verdict is as it was." in result.stdout
    found = json.loads(run("replay", release, "--json").stdout)
    assert found["differing"] == 0
    assert found["intervals"]
    assert all(one["recorded"] == one["now"] for one in found["intervals"])


def test_other_criteria_find_other_faults(run: Run, history: Path) -> None:
    result = run("replay", "r3", "--with", str(history))
    assert result.exit_code == exits.DONE, result.output
    assert "The recorded criteria found a fault; these would not have" in result.stdout
    assert "Neither finds a fault." in run("replay", "r2", "--with", str(history)).stdout


def test_a_backtest_counts_rollbacks(run: Run, history: Path) -> None:
    same = json.loads(run("backtest", "--json").stdout)
    assert (same["releases"], same["gained"], same["lost"], same["harm_saved"]) == (2, 0, 0, 0)
    other = run("backtest", "--last", "5", "--with", str(history))
    assert "Rollbacks: 0 gained, 1 lost." in other.stdout
    assert "2 releases judged again." in other.stdout


def test_explain_says_what_a_threshold_would_have_done(run: Run, history: Path) -> None:
    assert "A threshold of 5% over 60 s would have found this" in run("explain", "r3").stdout
    assert "counterfactual" in json.loads(run("explain", "r3", "--json").stdout)
    assert "threshold" not in run("explain", "r2").stdout


def test_a_service_that_the_other_file_does_not_have_is_said(run: Run, history: Path) -> None:
    history.write_text(PROJECT.replace("  web:", "  api:"))
    result = run("replay", "r3", "--with", str(history))
    assert result.exit_code == exits.USAGE
    assert "there is no service `web`" in result.stderr


def test_a_forecast_is_measured_by_earlier_releases(run: Run, history: Path) -> None:
    result = run("plan", "-e", "staging", "--simulate")
    assert result.exit_code == exits.DONE, result.output
    assert "measured, by the last releases" in result.stdout
