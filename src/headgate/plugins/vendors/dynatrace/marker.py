"""Dynatrace deployment events, on each service: at a release's start, and over its whole time with the outcome.

Source: Dynatrace documentation, "Events API v2 - POST an event" (events/ingest, CUSTOM_DEPLOYMENT; 201 also when the
event was refused, which `eventIngestResults` says). Events cannot be changed.
"""

from typing import Any

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import Asking, Secret, decoded, settings_of, web_of
from headgate.kit.per_service import mark_moments
from headgate.ports.errors import Permanent
from headgate.ports.marker import Mark, MarkedService
from headgate.ports.wires import Wires

VALUE_MAX = 4096
BY_NAME = 'type(SERVICE),entityName.equals("{service}")'


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url` is the environment's (`https://abc12345.live.dynatrace.com`), `token` has the scope `events.ingest`.

    `entities` are entity selectors by service; one that is not there is found by its name.
    """

    url: str
    token: SecretSource
    entities: dict[str, str] = {}


class _Result(msgspec.Struct, rename="camel"):
    status: str = ""
    correlation_id: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    event_ingest_results: tuple[_Result, ...] = ()


class DynatraceMarker:
    """Two events a service: the release's start and its end."""

    def __init__(self, asking: Asking, entities: dict[str, str]) -> None:
        self._asking = asking
        self._entities = entities

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference holds the correlation ids, by moment and service."""
        return await mark_moments(mark, reference, self._ingest)

    async def _ingest(self, mark: Mark, service: MarkedService) -> str:
        content = self._event(mark, service)
        sent = await self._asking.send("POST", "/api/v2/events/ingest", content, retry=False)
        results = decoded(sent, _Answer, "Dynatrace").event_ingest_results
        refused = [one.status for one in results if one.status != "OK"]
        if refused or not results:
            what = ", ".join(refused) or "nothing matches the entity selector"
            raise Permanent(f"Dynatrace took no event for {service.name}: {what}; see `entities`")
        return results[0].correlation_id

    def _event(self, mark: Mark, service: MarkedService) -> dict[str, Any]:
        properties = {
            "dt.event.deployment.name": f"{mark.name} {service.name}",
            "dt.event.deployment.version": service.after,
            "dt.event.deployment.project": mark.project,
            "dt.event.deployment.release_stage": mark.environment,
            "dt.event.deployment.ci_back_link": mark.link,
            "headgate.release": mark.release,
            "headgate.state": mark.state,
            "headgate.before": service.before,
            "headgate.author": mark.author,
            "headgate.ledger": mark.head,
            "headgate.reason": mark.reason,
            "vcs.ref.head.revision": service.commit,
        }
        selector = self._entities.get(service.name, BY_NAME.format(service=service.name))
        start, end = round(mark.started_at * 1000), round((mark.ended_at or mark.at) * 1000)
        return {
            "eventType": "CUSTOM_DEPLOYMENT",
            "title": mark.title,
            "entitySelector": selector,
            "startTime": start,
            "endTime": max(end, start + 1),
            "properties": {name: value[:VALUE_MAX] for name, value in properties.items() if value},
        }


def create(wires: Wires) -> DynatraceMarker:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    secrets = {"authorization": Secret(settings.token, "Api-Token ")}
    return DynatraceMarker(Asking(web_of(wires), "Dynatrace", settings.url, secrets, {}), settings.entities)
