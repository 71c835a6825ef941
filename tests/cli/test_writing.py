"""Alerts and dashboards: what is written (goldens), and what the real promtool, Prometheus and Alertmanager make of it.

`HEADGATE_GOLDEN=write` writes down what is written now.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.write.objectives import CAP, WINDOWS
from headgate.cli.write.promql import FAMILIES
from headgate.config.emit import to_yaml
from headgate.core.model import Unit
from headgate.plugins.traffic.envoy import unit_name
from headgate.ports.web import Answer, Request
from headgate.testing.web import http_server_aside
from headgate.web.api.metrics import Metrics
from tests import servers
from tests.cli.conftest import Run
from tests.cli.stories import WEB

GOLDEN = Path(__file__).parent / "golden"
PROJECT = """\
headgate: 1
project: shop
services:
  web:
    artifact: dist
    run: serve {port}
    listen: 8000
    criteria: {error_ratio: 1%, p99: 250ms, p99.9: {max: 2s}}
  api:
    artifact: dist
    run: serve {port}
    listen: 8001
environments:
  production: {production: true}
  staging: {services: {web: {criteria: {error_ratio: 10%}}}}
"""
PROXY = unit_name(WEB)
COMMANDS = {
    "alerts_prometheus.yml": ("alerts", "prometheus", "-e", "production"),
    "alerts_istio.yml": ("alerts", "prometheus", "-e", "staging", "web", "--metrics", "istio"),
    "alerts_datadog.json": ("alerts", "datadog", "-e", "production", "--notify", "@pagerduty-shop"),
    "dashboard_grafana.json": ("dashboards", "grafana", "-e", "production"),
}
PATIENCE_S = 90.0


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "headgate.yaml").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_written(run: Run, shop: Path, name: str) -> None:
    result = run(*COMMANDS[name])
    assert result.exit_code == 0, result.output
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        (GOLDEN / name).write_text(result.stdout)
    assert result.stdout == (GOLDEN / name).read_text()


def test_json_is_the_same(run: Run, shop: Path) -> None:
    document = json.loads(run("alerts", "prometheus", "-e", "production", "--json").stdout)
    assert to_yaml(document) == run(*COMMANDS["alerts_prometheus.yml"]).stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("alerts", "prometheus"), "which environment?"),
        (("alerts", "prometheus", "-e", "production", "wep"), "there is no service `wep`"),
        (("alerts", "prometheus", "-e", "production", "--match", "x"), "is not LABEL=VALUE"),
        (("alerts", "prometheus", "-e", "production", "--metrics", "nginx"), "is not one of"),
    ],
)
def test_wrong_words(run: Run, shop: Path, words: tuple[str, ...], says: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert says in result.output + result.stderr


def test_no_limit_is_beyond_a_total_outage() -> None:
    fast = WINDOWS[0]
    assert fast.limit(0.01) == pytest.approx(0.144)
    assert fast.limit(0.1) == CAP
    assert fast.limit(0.95) == 0.95


# --- the real promtool ------------------------------------------------------------------------------------------------


def check(*arguments: str | Path) -> None:
    done = subprocess.run(
        [servers.promtool(), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("environment", ["production", "staging"])
def test_promtool_takes_the_rules(run: Run, shop: Path, family: str, environment: str) -> None:
    result = run("alerts", "prometheus", "-e", environment, "--metrics", family, "--match", 'place={a}"\\')
    (shop / "rules.yml").write_text(result.stdout)
    check("check", "rules", "--lint=all", "--lint-fatal", shop / "rules.yml")


TRAFFIC = f'{{envoy_http_conn_manager_prefix="{PROXY}"}}'
ERRORS = f'{{envoy_http_conn_manager_prefix="{PROXY}",envoy_response_code_class="5"}}'
UNIT = '{project="shop",environment="production",service="web"}'
RELEASE = "0+0x30 1+0x30 0+0x60"
"""Nothing for half an hour, then a release for as long, then nothing."""


def told(alert: str, minute: int, count: int) -> dict[str, Any]:
    expression = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    return {"expr": expression, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": count}]}


def series(errors: int, release: str, slow: int = 0) -> list[dict[str, str]]:
    """600 requests a minute, `errors` of them failed, `slow` slower than a quarter of a second."""
    bucket = "envoy_http_downstream_rq_time_bucket"
    return [
        {"series": f"envoy_http_downstream_rq_completed{TRAFFIC}", "values": "0+600x120"},
        {"series": f"envoy_http_downstream_rq_xx{ERRORS}", "values": f"0+{errors}x120"},
        {"series": f'{bucket}{TRAFFIC[:-1]},le="250"}}', "values": f"0+{600 - slow}x120"},
        {"series": f'{bucket}{TRAFFIC[:-1]},le="1000"}}', "values": "0+600x120"},
        {"series": f'{bucket}{TRAFFIC[:-1]},le="+Inf"}}', "values": "0+600x120"},
        {"series": f"headgate_release_in_progress{UNIT}", "values": release},
    ]


def _api(labels: str) -> str:
    """The labels of the service that promises nothing."""
    api = unit_name(Unit("shop", "production", "api"))
    return labels.replace(PROXY, api).replace('service="web"', 'service="api"')


CASES: dict[str, tuple[list[dict[str, str]], list[dict[str, Any]]]] = {
    "errors a little over the objective are urgent in a release only": (
        series(12, RELEASE),
        [
            told("HeadgateReleaseErrors", 25, 0),
            told("HeadgateReleaseErrors", 31, 0),
            told("HeadgateReleaseErrors", 35, 1),
            told("HeadgateReleaseErrors", 60, 1),
            told("HeadgateReleaseErrors", 65, 0),
        ],
    ),
    "what is within the objective is never urgent": (
        series(5, RELEASE),
        [told("HeadgateReleaseErrors", 45, 0), told("HeadgateErrorBudgetBurn", 45, 0)],
    ),
    "a budget that burns fast is told without any release": (
        series(300, "0+0x120"),
        [told("HeadgateErrorBudgetBurn", 10, 3), told("HeadgateReleaseErrors", 60, 0)],
    ),
    "slowness is a ticket, and urgent in a release": (
        series(0, RELEASE, slow=60),
        [
            told("HeadgateLatencyHigh", 5, 0),
            told("HeadgateLatencyHigh", 25, 1),
            told("HeadgateReleaseLatency", 25, 0),
            told("HeadgateReleaseLatency", 45, 1),
            told("HeadgateReleaseLatency", 70, 0),
        ],
    ),
    "no traffic is no error": (
        [{"series": f"headgate_release_in_progress{UNIT}", "values": "1+0x120"}],
        [told("HeadgateReleaseErrors", 60, 0), told("HeadgateErrorBudgetBurn", 60, 0)],
    ),
    "a hold is told": (
        [
            {
                "series": 'headgate_releases_held{project="shop",environment="production"}',
                "values": "0x10 1+0x60",
            }
        ],
        [told("HeadgateReleaseHeld", 9, 0), told("HeadgateReleaseHeld", 20, 1)],
    ),
    "silence of Headgate itself is told": (
        series(0, "1+0x5 _x100"),
        [told("HeadgateSilent", 8, 0), told("HeadgateSilent", 30, 2)],
    ),
    "without an objective, worse than before is urgent in a release": (
        [
            {"series": f"envoy_http_downstream_rq_completed{_api(TRAFFIC)}", "values": "0+600x110"},
            {"series": f"envoy_http_downstream_rq_xx{_api(ERRORS)}", "values": "0+6x80 480+72x30"},
            {"series": f"headgate_release_in_progress{_api(UNIT)}", "values": "0+0x85 1+0x25"},
        ],
        [
            told("HeadgateReleaseErrors", 70, 0),
            told("HeadgateReleaseErrors", 85, 0),
            told("HeadgateReleaseErrors", 90, 1),
        ],
    ),
}


def test_promtool_runs_the_rules(run: Run, shop: Path) -> None:
    (shop / "rules.yml").write_text(run(*COMMANDS["alerts_prometheus.yml"]).stdout)
    tests = [
        {"name": name, "interval": "1m", "input_series": given, "promql_expr_test": expected}
        for name, (given, expected) in CASES.items()
    ]
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    (shop / "test.yml").write_text(to_yaml(document))
    check("test", "rules", shop / "test.yml")


# --- the real Prometheus and the real Alertmanager --------------------------------------------------------------------


class Shop:
    """Shows counters that grow with every scrape, half of them errors, and Headgate's own metrics."""

    def __init__(self) -> None:
        self.scrapes = 0
        self.own = Metrics()

    def answer(self, request: Request) -> Answer:
        if request.url.endswith("/metrics"):
            content, kind = self.own.expose("")
            return Answer(200, {"content-type": kind}, content)
        self.scrapes += 1
        text = (
            f"envoy_http_downstream_rq_completed{TRAFFIC} {100 * self.scrapes}\n"
            f"envoy_http_downstream_rq_xx{ERRORS} {50 * self.scrapes}\n"
        )
        return Answer(200, {"content-type": "text/plain; version=0.0.4"}, text.encode())


@pytest.fixture
def origin() -> Iterator[str]:
    with http_server_aside(Shop().answer) as found:
        yield found.removeprefix("http://")


@pytest.mark.timeout(180)
def test_an_alert_reaches_the_real_alertmanager(run: Run, shop: Path, origin: str) -> None:
    (shop / "rules.yml").write_text(run(*COMMANDS["alerts_prometheus.yml"]).stdout)
    receive = "route: {receiver: nobody, group_wait: 0s}\nreceivers: [{name: nobody}]\n"
    with servers.alertmanager(shop / "alertmanager", receive) as manager:
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(shop / "rules.yml")],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [manager.origin.removeprefix("http://")]}]}]
            },
            "scrape_configs": [
                {"job_name": "envoy", "metrics_path": "/stats", "static_configs": [{"targets": [origin]}]},
                {"job_name": "headgate", "static_configs": [{"targets": [origin]}]},
            ],
        }
        with servers.prometheus(shop / "prometheus", to_yaml(config)):
            found = received(manager.origin, "HeadgateErrorBudgetBurn")
    assert found["labels"]["severity"] in {"page", "ticket"}
    assert (found["labels"]["service"], found["labels"]["environment"]) == ("web", "production")
    assert "50% of the requests fail" in found["annotations"]["summary"]
    assert "headgate rollback -e production web" in found["annotations"]["runbook"]


def received(origin: str, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{origin}/api/v2/alerts", timeout=10) as answer:  # noqa: S310 - our own
            for alert in json.load(answer):
                if alert["labels"]["alertname"] == name:
                    return dict(alert)
        time.sleep(0.1)
    raise AssertionError(f"{name} was not received within {PATIENCE_S:g} s")
