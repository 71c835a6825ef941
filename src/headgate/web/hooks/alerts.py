"""Alerts of Alertmanager: a group of those that fire and those that are over.

Source: Alertmanager, "Configuration", `webhook_config`: JSON of version "4". An alert's `fingerprint` is its labels';
it fires anew with another `startsAt`. `truncatedAlerts` were left out for `max_alerts`.
"""

import hashlib
from typing import Literal

import msgspec

from headgate.core.home.hooks import Alert
from headgate.core.model import Scope
from headgate.web.hooks.news import News, brief, decoded
from headgate.web.http.problems import malformed

VERSION = "4"
ALERTS_MAX = 1000
"""So many alerts of one delivery are looked at."""


class _Alert(msgspec.Struct, frozen=True, rename={"starts_at": "startsAt"}):
    status: Literal["firing", "resolved"]
    labels: dict[str, str] = {}
    starts_at: str = ""
    fingerprint: str = ""


class _Group(msgspec.Struct, frozen=True):
    version: str
    status: str
    alerts: list[_Alert]


def read(body: bytes) -> News:
    """The alerts in a delivery. Raises Problem."""
    group = decoded(body, _Group)
    if group.version != VERSION:
        raise malformed(
            f"it is of version {brief(group.version)!r}, and {VERSION!r} is what is read here", "body"
        )
    return News(brief(group.status), tuple(_alert(one) for one in group.alerts[:ALERTS_MAX]))


def _alert(alert: _Alert) -> Alert:
    labels = alert.labels
    scope = Scope(*(brief(labels.get(name)) for name in ("project", "environment", "service")))
    return Alert(
        key=_key(alert),
        name=brief(labels.get("alertname")) or "without a name",
        firing=alert.status == "firing",
        severity=brief(labels.get("severity")),
        scope=scope,
    )


def _key(alert: _Alert) -> str:
    """The same from when it fires until it is over; short, whatever its labels are."""
    own = alert.fingerprint or "\n".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
    return hashlib.sha256(f"{own}\n{alert.starts_at}".encode()).hexdigest()[:32]
