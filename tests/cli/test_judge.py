"""`headgate judge`: JSON lines in, verdicts out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from headgate.cli import command, exits


def line(at: float, canary_errors: int = 0, **more: object) -> str:
    arms = {"stable": {"requests": 900, "errors": 1}, "canary": {"requests": 100, "errors": canary_errors}}
    return json.dumps({"at": at, **arms, "weight": 10, **more})


def judge(lines: str, *words: str) -> Result:
    return CliRunner().invoke(command, ["judge", *words], input=lines)


def told(result: Result) -> list[dict[str, Any]]:
    return [json.loads(one) for one in result.stdout.splitlines()]


def test_a_line_in_is_a_verdict_out() -> None:
    result = judge("\n".join(line(at) for at in (15, 30)) + "\n")
    assert result.exit_code == exits.DONE, result.output
    first, second = told(result)
    assert set(first) == {"at", "verdict", "evidence", "metrics", "reason"}
    assert set(first["metrics"][0]) == {"name", "e_value", "ratio", "low", "high", "state"}
    assert (first["at"], second["at"]) == (15.0, 30.0)
    assert {first["verdict"], second["verdict"]} <= {"watch", "pass"}


def test_a_decision_stays() -> None:
    bad = "\n".join(line(at, 20) for at in range(1, 9))
    verdicts = [one["verdict"] for one in told(judge(f"{bad}\n{line(9)}\n"))]
    assert verdicts[-1] == "fail"
    assert verdicts == sorted(verdicts, key=lambda verdict: verdict == "fail")


def test_flags_override_the_spec(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("{alpha: 0.01, margin: 1.5, horizon: 2h, requests_min: 100000}")
    lines = "\n".join(line(at) for at in range(1, 40))
    assert {one["verdict"] for one in told(judge(lines, "--spec", str(spec)))} == {"watch"}
    assert told(judge(lines))[-1]["verdict"] == "pass"
    assert told(judge(lines, "--no-promote"))[-1]["verdict"] == "watch"
    strict = told(judge("\n".join(line(at, 3) for at in range(1, 4)), "--alpha", "1e-9", "--spec", str(spec)))
    assert strict[-1]["verdict"] != "fail"


def test_a_declared_dispersion_tempers_the_evidence() -> None:
    lines = "\n".join(line(at, 3) for at in range(1, 6))
    alone, bursts = (told(judge(lines, "--dispersion", phi))[-1]["evidence"] for phi in ("1", "4"))
    assert alone > bursts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1:"),
        (f"{line(1)}\n\n{{}}\n", "line 3: Object missing required field `at`"),
        (f"{line(1)}\n" + line(2, stable={"requests": 1.5}), "line 2: Expected `int`, got `float`"),
        ("[]", "line 1:"),
    ],
)
def test_a_malformed_line_is_named(text: str, said: str) -> None:
    result = judge(text)
    assert result.exit_code == exits.USAGE
    assert said in result.stderr


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("{alpah: 0.01}", "there is no `alpah` in a spec"),
        ("{error_ratio: {facter: 2}}", "there is no `facter` in a spec"),
        ("{alpha: 2}", "alpha must be between 0 and 1"),
        ("{alpha: lots}", "Expected `float`"),
        ("{horizon: soon}", "'soon'"),
        ("3", "a spec is a mapping"),
    ],
)
def test_a_spec_that_is_wrong_says_so(tmp_path: Path, spec: str, said: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(spec)
    result = judge(line(1), "--spec", str(file))
    assert result.exit_code == exits.USAGE
    assert said in result.stderr


def test_verdicts_come_as_the_intervals_do() -> None:
    words = [sys.executable, "-m", "headgate", "judge"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for at in (1, 2):
            process.stdin.write(line(at).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["at"] == at


def test_trouble_on_both_arms_is_held_for_a_reason() -> None:
    def both(at: int, share: float) -> str:
        stable = {"requests": 900, "errors": round(900 * share)}
        return line(at, stable=stable, canary={"requests": 100, "errors": round(100 * share)})

    calm = [both(at, 0.002) for at in range(1, 60)]
    storm = [both(at, 0.2) for at in range(60, 90)]
    verdicts = [one["verdict"] for one in told(judge("\n".join(calm + storm), "--no-promote"))]
    assert verdicts[-1] == "hold_external"
    assert "fail" not in verdicts
