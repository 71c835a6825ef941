"""`headgate signals test`: what each source answers now, and what is wrong with it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from headgate import wiring
from headgate.cli import exits
from headgate.core.model import Version
from headgate.ledger.projections import fleet_of
from headgate.testing.web import http_server_aside
from tests.cli.conftest import PROJECT, Run
from tests.cli.towns import Town
from tests.plugins.signals.prometheus_api import Api

GOLDEN = Path(__file__).parent / "golden" / "signals_test.txt"
BUILD_WORLD = wiring.build_world
SIGNALS = """\
    signals:
      mesh:
        source: prometheus
        url: "{origin}"
        template: envoy
        match: {{envoy_cluster_name: "{{version}}"}}
        user: me
        password: {{env: PROM_PASSWORD}}
    rollout:
"""
SECRET = "hunter2-hunter2-hunter2"


@pytest.fixture
def version(run: Run, town: Town, home: Path, monkeypatch: pytest.MonkeyPatch) -> Version:
    """What runs in staging; from here on the world is the real one."""
    assert run("deploy", "-e", "staging").exit_code == 0
    monkeypatch.setattr(wiring, "build_world", BUILD_WORLD)
    monkeypatch.setenv("PROM_PASSWORD", SECRET)
    ledger = wiring.open_ledger(home)
    (running,) = fleet_of(ledger).values()
    ledger.close()
    assert running.stable is not None
    return running.stable


def metered(api: Api, version: Version) -> None:
    arm = {"envoy_cluster_name": version.key, "instance": "envoy:1"}
    api.sampled_at = time.time() + 60
    api.set("envoy_cluster_upstream_rq_completed", 1200.0, **arm)
    for le, count in (("100", 1190.0), ("+Inf", 1200.0)):
        api.set("envoy_cluster_upstream_rq_time_bucket", count, **arm, le=le)


def declare(project: Path, origin: str) -> None:
    (project / "headgate.yaml").write_text(PROJECT.replace("    rollout:\n", SIGNALS.format(origin=origin)))


def test_every_question_with_its_answer(run: Run, project: Path, version: Version) -> None:
    api = Api()
    metered(api, version)
    with http_server_aside(api) as origin:
        declare(project, origin)
        good = run("signals", "test", "-e", "staging")
        api.series = [one for one in api.series if "le" not in one[1]]
        (project / "headgate.yaml").write_text(
            (project / "headgate.yaml").read_text().replace("{version}", "v{version}")
        )
        wrong = run("signals", "test", "-e", "staging", "web")
        as_json = run("signals", "test", "-e", "staging", "--version", version.key[:9], "--json")
    assert good.exit_code == 0, good.output
    assert (wrong.exit_code, as_json.exit_code) == (exits.INTERNAL, exits.INTERNAL)
    shown = (good.output + wrong.output).replace(version.key, "VERSION").replace(origin, "http://HERE")
    shown = (
        "\n".join(
            line.partition(" sample is ")[0] if " sample is " in line else line for line in shown.splitlines()
        )
        + "\n"
    )
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        GOLDEN.write_text(shown)
    assert shown == GOLDEN.read_text()
    (found,) = json.loads(as_json.output)
    assert (found["source"], found["arm"], found["ok"]) == ("mesh", "asked for", False)
    assert "there is no metric" in found["looks"][2]["problem"]
    assert all(SECRET not in one.output for one in (good, wrong, as_json))


def test_a_source_that_is_down(run: Run, project: Path, version: Version) -> None:
    declare(project, "http://127.0.0.1:1")
    result = run("signals", "test", "-e", "staging")
    assert result.exit_code == exits.INTERNAL
    assert "no connection" in result.output
    assert SECRET not in result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-e", "staging", "--version", "zzz"), "no version of web is called `zzz`"),
        (("-e", "production"), "nothing of web runs yet"),
        (("-e", "staging", "wep"), "did you mean `web`?"),
    ],
)
def test_what_is_not_there(
    run: Run, project: Path, version: Version, words: tuple[str, ...], says: str
) -> None:
    declare(project, "http://127.0.0.1:1")
    result = run("signals", "test", *words)
    assert result.exit_code == exits.USAGE
    assert says in result.output


def test_without_sources_the_proxy_measures(run: Run, project: Path) -> None:
    result = run("signals", "test", "-e", "staging")
    assert result.exit_code == exits.USAGE
    assert "measured by the proxy alone" in result.output
