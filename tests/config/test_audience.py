"""Whom a release tells: from the project file to the core's nouns."""

from headgate.config import load_text, policies
from headgate.core.model import Audience, Channel, QuietHours, Role
from tests.config.example import project_text

MINIMAL = project_text()

AUDIENCE = (
    MINIMAL
    + """\
environments:
  production:
    notify:
      ops:
        to: apprise
        url: {env: OPS_URL}
        on: [held, rolled_back]
        severity: warning
        quiet: {from: "22:00", until: "07:00", zone: Europe/Berlin, days: [mon-fri]}
      hook: {to: webhook, url: "http://127.0.0.1:1/", secret: {file: /run/secrets/hook}, on: promoted}
    markers: {grafana: {to: grafana, url: "http://127.0.0.1:1", token: {env: GRAFANA_TOKEN}}}
    roles:
      decider: {who: the release manager, channels: [ops], fallback: the head of shop, escalate: 5m}
"""
)


def test_whom_a_release_tells() -> None:
    found = policies(load_text(AUDIENCE, "x"), "production").audience
    url = {"kind": "env", "name": "OPS_URL"}
    quiet = QuietHours(22 * 60, 7 * 60, "Europe/Berlin", (0, 1, 2, 3, 4))
    assert found.channels[0] == Channel(
        "ops", "apprise", {"url": url}, ("held", "rolled_back"), "warning", quiet
    )
    assert found.channels[1].on == ("promoted",)
    assert found.channels[1].settings["secret"] == {"kind": "file", "name": "/run/secrets/hook"}
    assert (found.markers[0].name, found.markers[0].kind) == ("grafana", "grafana")
    assert found.roles == (Role("decider", "the release manager", ("ops",), "the head of shop", (), 300.0),)
    assert policies(load_text(MINIMAL, "x"), "production").audience == Audience()
