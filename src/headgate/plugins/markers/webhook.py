"""A signed webhook: CloudEvents 1.0 (structured mode), one event a request, with the types of CDEvents.

    started   dev.cdevents.pipelinerun.started.0.2.0
    updated   dev.cdeventsx.headgate-release.updated.0.1.0
    ended     dev.cdevents.service.deployed|upgraded|rolledback.0.2.0 for each service, then
              dev.cdevents.pipelinerun.finished.0.2.0

An event's id follows from the release and the moment: whoever has seen it knows it again.

Source: CloudEvents 1.0 "JSON Event Format"; CDEvents 0.4.1 "Continuous Deployment Events", "Core Events", "Custom
CDEvents" and its "CloudEvents Binding"; Standard Webhooks (`kit.signature`).
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import TIMEOUT_S, reference_to, remembered, settings_of, web_of
from headgate.kit.signature import signature
from headgate.ports.marker import Mark, MarkedService
from headgate.ports.secrets import read_secret
from headgate.ports.web import Request
from headgate.ports.wires import Wires

CDEVENTS = "0.4.1"
CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
STARTED = "dev.cdevents.pipelinerun.started.0.2.0"
UPDATED = "dev.cdeventsx.headgate-release.updated.0.1.0"
FINISHED = "dev.cdevents.pipelinerun.finished.0.2.0"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`secret` signs (`whsec_...`, or any 16 characters or more); `source` is the events' source, a URI.

    `token` is sent as a bearer token, where the receiver wants one besides.
    """

    url: str
    secret: SecretSource
    token: SecretSource | None = None
    source: str = "/headgate"


class WebhookMarker:
    """One event a moment, and one a service at the end."""

    def __init__(self, wires: Wires, settings: Settings) -> None:
        self._web = web_of(wires)
        self._settings = settings
        self._now = wires.now

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference holds the digests of what was sent, so that nothing is sent twice."""
        sent = remembered(reference)
        for event in events(mark, self._settings.source):
            key = "updated" if event["type"] == UPDATED else event["id"][:12]
            if sent.get(key) != event["id"]:
                await self._send(event)
                sent[key] = event["id"]
        return reference_to(sent)

    async def _send(self, event: dict[str, Any]) -> None:
        body = msgspec.json.encode(event)
        secret = read_secret(self._settings.secret)
        headers = {"content-type": CONTENT_TYPE, **signature(secret, event["id"], self._now(), body)}
        token = read_secret(self._settings.token) if self._settings.token else ""
        if token:
            headers["authorization"] = f"Bearer {token}"
        secrets = tuple(text for text in (secret, token) if text)
        await self._web.ask(
            Request("POST", self._settings.url, headers, body, timeout_s=TIMEOUT_S, secrets=secrets)
        )


def events(mark: Mark, source: str) -> Iterator[dict[str, Any]]:
    """The CloudEvents that say it, in the order in which they are sent."""
    if mark.moment == "started":
        yield _event(mark, source, STARTED, _run(mark))
    elif mark.moment == "updated":
        subject = {"id": mark.name, "type": "headgate-release", "content": {"phase": mark.phase}}
        yield _event(mark, source, UPDATED, subject)
    else:
        for service in mark.services:
            if mark.outcome != "refused":
                yield _event(mark, source, _type(mark, service), _service(mark, service))
        yield _event(mark, source, FINISHED, _run(mark))


def _event(mark: Mark, source: str, kind: str, subject: dict[str, Any]) -> dict[str, Any]:
    at = mark.started_at if mark.moment == "started" else mark.ended_at or mark.at
    said = f"{source} {mark.name} {mark.started_at} {kind} {subject['id']}"
    said += f" {mark.at} {mark.phase}" if mark.moment == "updated" else ""
    name = hashlib.sha256(said.encode()).hexdigest()[:32]
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    context = {"version": CDEVENTS, "id": name, "source": source, "type": kind, "timestamp": time}
    data = {
        "context": context | {"chainId": hashlib.sha256(mark.name.encode()).hexdigest()[:32]},
        "subject": subject,
        "customDataContentType": "application/json",
        "customData": {
            "release": mark.release,
            "project": mark.project,
            "environment": mark.environment,
            "phase": mark.phase,
            "outcome": mark.outcome,
            "author": mark.author,
            "ledger": mark.head,
            "reason": mark.reason,
            "services": [
                {"name": one.name, "before": one.before, "after": one.after, "commit": one.commit}
                for one in mark.services
            ],
        },
    }
    return {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": kind,
        "subject": subject["id"],
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }


def _run(mark: Mark) -> dict[str, Any]:
    content: dict[str, Any] = {"pipelineName": f"{mark.project}/{mark.environment}"}
    if mark.link:
        content["url"] = mark.link
    if mark.outcome is not None:
        content["outcome"] = "success" if mark.good else "failure"
        if not mark.good:
            content["errors"] = f"{mark.state}: {mark.reason}" if mark.reason else mark.state
    return {"id": mark.name, "type": "pipelineRun", "content": content}


def _service(mark: Mark, service: MarkedService) -> dict[str, Any]:
    runs = service.after if mark.good else service.before or service.after
    content = {
        "environment": {"id": f"{mark.project}/{mark.environment}"},
        "artifactId": f"pkg:generic/{service.name}@{runs}",
    }
    return {"id": f"{mark.project}/{mark.environment}/{service.name}", "type": "service", "content": content}


def _type(mark: Mark, service: MarkedService) -> str:
    predicate = "rolledback" if not mark.good else "upgraded" if service.before else "deployed"
    return f"dev.cdevents.service.{predicate}.0.2.0"


def create(wires: Wires) -> WebhookMarker:
    """The plugin's factory."""
    return WebhookMarker(wires, settings_of(wires, Settings))
