"""What Headgate says of itself, from the real daemon: metrics on its socket, its log, and who its services are."""

import asyncio
import http.client
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.homes import socket_of
from headgate.plugins.traffic.envoy import Admin, admin_socket
from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(180)]


def metrics(home: Path) -> str:
    connection = http.client.HTTPConnection("headgate", timeout=20)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect(str(socket_of(home)))
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def asked(rules: dict[str, Any]) -> set[tuple[str, tuple[str, ...]]]:
    """The proxy's series that the rules are made of: names and labels, but for a class of errors that none had."""
    text = json.dumps(rules).replace('\\"', '"')
    found = re.findall(r"(envoy_\w+)\{([^}]*)\}", text)
    of_class = "envoy_response_code_class"
    return {
        (name, tuple(label for label in labels.split(",") if not label.startswith(of_class)))
        for name, labels in found
    }


def test_a_release_is_seen_by_whoever_looks(new_town: Callable[[], Town]) -> None:
    town = new_town()
    town.up()
    label = town.build("v1")
    release = town.promoted(label)
    found = metrics(town.home)
    assert re.search(r"headgate_release_in_progress\{[^}]*\} 0.0", found)
    assert re.search(r'headgate_releases_total\{[^}]*outcome="promoted"[^}]*\} 1.0', found)
    daemon = lines(town.home / "log" / "controller.log")
    assert daemon[-1]["attributes"]["deployment.id"] == release
    assert daemon[-1]["attributes"]["headgate.outcome"] == "promoted"
    environ = town.shops(label)[0].environ()
    assert f"deployment.id={release}" in environ["OTEL_RESOURCE_ATTRIBUTES"]
    assert environ["OTEL_SERVICE_NAME"] == "web"
    town.get()
    rules = town.headgate("alerts", "prometheus", "--json").report
    shown = asyncio.run(Admin(admin_socket(town.home)).get("/stats/prometheus")).decode()
    for name, labels in asked(rules):
        series = [line for line in shown.splitlines() if line.startswith(f"{name}{{")]
        assert any(all(label in line for label in labels) for line in series), (name, labels)
