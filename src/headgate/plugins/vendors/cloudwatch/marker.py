"""CloudWatch: `ReleaseInProgress` of each service, 1 from its start to its end, and its outcome as a count.

A custom metric, for that is what CloudWatch draws: a release is a step in any graph, and an alarm can be tightened by
it in metric math. (An event on EventBridge would show in none.)

Source: Amazon CloudWatch API Reference, "PutMetricData" (query protocol, version 2010-08-01), signed by SigV4.
"""

from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import TIMEOUT_S, reference_to, remembered, settings_of, web_of
from headgate.kit.sigv4 import Credentials, Scope, signed
from headgate.ports.errors import Temporary
from headgate.ports.marker import Mark
from headgate.ports.secrets import read_secret
from headgate.ports.web import Request, Web
from headgate.ports.wires import Wires

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
DATA_MAX = 1000
"""Data that one request may hold, says the API: 500 services."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The credentials may `cloudwatch:PutMetricData`. `url` is needed for private endpoints only."""

    region: str
    access_key_id: SecretSource
    secret_access_key: SecretSource
    session_token: SecretSource | None = None
    namespace: str = "Headgate"
    url: str = ""


class CloudWatchMarker:
    """Data of two metrics a service."""

    def __init__(self, web: Web, settings: Settings, wires: Wires) -> None:
        self._web = web
        self._settings = settings
        self._now = wires.now
        self._url = settings.url or f"https://monitoring.{settings.region}.amazonaws.com"

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference holds what was put last, for the same again would be counted twice."""
        put = remembered(reference)
        key = f"{mark.moment} {mark.at:.3f}"
        if put.get("last") == key:
            return reference
        form = self._form(mark)
        credentials = self._credentials()
        request = Request(
            "POST",
            f"{self._url.rstrip('/')}/",
            FORM,
            urlencode(form).encode(),
            timeout_s=TIMEOUT_S,
            retry=False,
        )
        answer = await self._web.ask(
            signed(request, credentials, Scope(self._settings.region, "monitoring"), self._now())
        )
        if b"</PutMetricDataResponse>" not in answer.body:
            raise Temporary("CloudWatch's answer broke off; the data may or may not be there")
        return reference_to({"last": key})

    def _form(self, mark: Mark) -> dict[str, str]:
        form = {
            "Action": "PutMetricData",
            "Version": "2010-08-01",
            "Namespace": self._settings.namespace,
        }
        at = (mark.ended_at or mark.at) if mark.moment == "ended" else mark.at
        data = [("ReleaseInProgress", 0 if mark.outcome else 1)]
        if mark.outcome is not None:
            data.append((f"Releases{mark.outcome.title().replace('_', '')}", 1))
        found = [(service.name, name, value) for service in mark.services for name, value in data]
        for number, (service, name, value) in enumerate(found[:DATA_MAX], 1):
            member = f"MetricData.member.{number}"
            form |= {
                f"{member}.MetricName": name,
                f"{member}.Value": str(value),
                f"{member}.Unit": "Count",
                f"{member}.Timestamp": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            dimensions = {"Project": mark.project, "Environment": mark.environment, "Service": service}
            for place, (dimension, of) in enumerate(dimensions.items(), 1):
                form[f"{member}.Dimensions.member.{place}.Name"] = dimension
                form[f"{member}.Dimensions.member.{place}.Value"] = of
        return form

    def _credentials(self) -> Credentials:
        token = self._settings.session_token
        return Credentials(
            read_secret(self._settings.access_key_id),
            read_secret(self._settings.secret_access_key),
            read_secret(token) if token else "",
        )


def create(wires: Wires) -> CloudWatchMarker:
    """The plugin's factory."""
    return CloudWatchMarker(web_of(wires), settings_of(wires, Settings), wires)
