"""`headgate plan` as a forecast: what each step can see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli import exits
from headgate.cli.ask.forecast import parse_rate
from tests.cli.conftest import Run

TRAFFIC = ("--rate", "200/s", "--base", "0.1%")


def test_each_step_says_what_it_can_see(run: Run, project: Path) -> None:
    result = run("plan", "-e", "staging", *TRAFFIC)
    assert result.exit_code == exits.DONE, result.output
    assert "at 200 requests/s, 0.1% of which fail (given)" in result.stdout
    assert "surely" in result.stdout
    assert "cannot be sure to see errors double" in result.stdout
    assert "What to do: " in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert not (project / ".headgate").exists()


def test_a_forecast_in_json(run: Run, project: Path) -> None:
    (found,) = json.loads(run("plan", "-e", "staging", *TRAFFIC, "--json").stdout)["services"]
    (step,) = found["forecast"]["steps"]
    errors = step["signals"][0]
    assert (found["service"], found["source"], step["weight"]) == ("web", "given", 50)
    assert {"mean_s", "q90_s", "chance", "bad_requests", "factor", "simulated"} == set(errors["sights"][0])
    assert errors["signal"] == "errors"
    assert errors["smallest"] > 2
    assert found["ladder"] is None


def test_a_ladder_is_proposed_as_the_project_file_has_it(run: Run, project: Path) -> None:
    result = run("plan", "-e", "staging", *TRAFFIC, "--optimise", "--within", "10m")
    assert result.exit_code == exits.DONE, result.output
    assert "rollout:\n" in result.stdout.replace(" ", "")
    assert "- {weight: " in result.stdout
    assert "against" in result.stdout
    assert "Assumed: one that is bad is 2, 5, 20 or 100 times worse than stable" in result.stdout


def test_what_was_assumed_is_in_the_json_too(run: Run, project: Path) -> None:
    result = run("plan", "-e", "staging", *TRAFFIC, "--optimise", "--within", "10m", "--json")
    (found,) = json.loads(result.stdout)["services"]
    assert (found["ladder"]["faults"], found["ladder"]["missed_s"]) == ([2, 5, 20, 100], 3600)


def test_a_business_signal_can_be_given(run: Run, project: Path) -> None:
    result = run("plan", "-e", "staging", *TRAFFIC, "--signal", "answered=200/s,99.9%", "--json")
    (found,) = json.loads(result.stdout)["services"]
    assert [one["signal"] for one in found["forecast"]["whole"]] == ["errors", "answered"]
    assert found["forecast"]["unknown"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rate", "200/s"), "no release of web has been measured yet"),
        (("--rate", "200/d", "--base", "1%"), "a rate is a number over s, min or h"),
        (("--rate", "200/s", "--base", "1"), "--base"),
        ((*TRAFFIC, "--signal", "orders=5/s"), "a signal is its name, its cases and the share that counts"),
        ((*TRAFFIC, "--signal", "orders=5/s,70%"), "web has no signal orders"),
        ((*TRAFFIC, "--optimise"), "--optimise and --within go together"),
    ],
)
def test_what_cannot_be_foretold_says_why(run: Run, project: Path, words: tuple[str, ...], said: str) -> None:
    result = run("plan", "-e", "staging", *words)
    assert result.exit_code == exits.USAGE
    assert said in result.stderr


def test_after_a_release_the_traffic_is_measured(run: Run, project: Path) -> None:
    (project / "dist" / "content").write_text("two")
    assert "forecast" in json.loads(run("plan", "-e", "staging", "--json").stdout)["services"][0]


@pytest.mark.parametrize(("text", "rate"), [("200/s", 200.0), ("120/min", 2.0), ("7200/h", 2.0), ("3", 3.0)])
def test_rates(text: str, rate: float) -> None:
    assert parse_rate(text) == rate
