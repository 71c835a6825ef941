"""New Relic change tracking: a deployment event on each service when a release starts, and one with its outcome.

Source: New Relic documentation, "Track changes using NerdGraph" (mutation `changeTrackingCreateEvent`; a request that
failed is answered 200 with `errors`). Events cannot be changed; those of a release share its `groupId`.
"""

from typing import Any

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import Asking, Secret, decoded, settings_of, web_of
from headgate.kit.per_service import mark_moments
from headgate.ports.errors import Permanent
from headgate.ports.marker import Mark, MarkedService
from headgate.ports.wires import Wires

MUTATION = """mutation ($event: ChangeTrackingEventInput!) {
  changeTrackingCreateEvent(changeTrackingEvent: $event) { changeTrackingEvent { changeTrackingId } messages }
}"""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`api_key` is a user key. `entities` are the entity GUIDs by service; one that is not there is found by its name.

    `url` for the EU is https://api.eu.newrelic.com.
    """

    api_key: SecretSource
    url: str = "https://api.newrelic.com"
    entities: dict[str, str] = {}


class _Event(msgspec.Struct, rename="camel"):
    change_tracking_id: str


class _Created(msgspec.Struct, rename="camel"):
    change_tracking_event: _Event | None = None


class _Data(msgspec.Struct, rename="camel"):
    change_tracking_create_event: _Created | None = None


class _Problem(msgspec.Struct):
    message: str = ""


class _Answer(msgspec.Struct):
    data: _Data | None = None
    errors: tuple[_Problem, ...] | None = None


class NewRelicMarker:
    """Two events a service: the release's start and its end."""

    def __init__(self, asking: Asking, entities: dict[str, str]) -> None:
        self._asking = asking
        self._entities = entities

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference holds the ids of the events that were made, by moment and service."""
        return await mark_moments(mark, reference, self._create)

    async def _create(self, mark: Mark, service: MarkedService) -> str:
        variables = {"event": self._event(mark, service)}
        content = {"query": MUTATION, "variables": variables}
        sent = await self._asking.send("POST", "/graphql", content, retry=False)
        answer = decoded(sent, _Answer, "New Relic")
        if answer.errors:
            said = self._asking.told("; ".join(error.message for error in answer.errors))
            raise Permanent(f"New Relic refused the change of {service.name}: {said}")
        created = answer.data.change_tracking_create_event if answer.data else None
        if created is None or created.change_tracking_event is None:
            raise Permanent("New Relic answered without an event: is this address really New Relic?")
        return created.change_tracking_event.change_tracking_id

    def _event(self, mark: Mark, service: MarkedService) -> dict[str, Any]:
        guid = self._entities.get(service.name)
        by_name = f"name = '{service.name}' AND domain = 'APM' AND type = 'APPLICATION'"
        at = (mark.ended_at or mark.at) if mark.moment == "ended" else mark.started_at
        deployment = {"version": service.after, "commit": service.commit, "deepLink": mark.link}
        return {
            "categoryAndTypeData": {
                "kind": {"category": "deployment", "type": "basic"},
                "categoryFields": {
                    "deployment": {name: value for name, value in deployment.items() if value}
                },
            },
            "entitySearch": {"query": f"id = '{guid}'" if guid else by_name},
            "user": mark.author,
            "shortDescription": mark.title,
            "description": mark.text,
            "groupId": mark.name,
            "timestamp": round(at * 1000),
        }


def create(wires: Wires) -> NewRelicMarker:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    secrets = {"api-key": Secret(settings.api_key)}
    return NewRelicMarker(Asking(web_of(wires), "New Relic", settings.url, secrets, {}), settings.entities)
