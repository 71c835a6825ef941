"""Datadog events: one when a release starts, one with its outcome, grouped by their aggregation key.

Source: Datadog API reference, "Events", "Post an event" (POST /api/v1/events; answers 202). Events cannot be changed.
"""

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import Asking, Secret, need, reference_to, remembered, settings_of, web_of
from headgate.ports.marker import Mark
from headgate.ports.wires import Wires

AGGREGATION_KEY_MAX = 100
TITLE_MAX = 100
TEXT_MAX = 4000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url` is the API of your site, `https://api.datadoghq.eu` for instance. `tags` are added to each event."""

    api_key: SecretSource
    url: str = "https://api.datadoghq.com"
    tags: tuple[str, ...] = ()


class DatadogMarker:
    """Two events a release: its start and its end."""

    def __init__(self, asking: Asking, tags: tuple[str, ...]) -> None:
        self._asking = asking
        self._tags = tags

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference holds which of the two were posted."""
        posted = remembered(reference)
        if mark.moment == "updated" or mark.moment in posted:
            return reference
        at = int(mark.ended_at or mark.at) if mark.moment == "ended" else int(mark.started_at)
        services = [f"service:{service.name}" for service in mark.services]
        versions = [f"version:{service.after}" for service in mark.services]
        content = {
            "title": mark.title[:TITLE_MAX],
            "text": mark.text[:TEXT_MAX],
            "date_happened": at,
            "alert_type": "info" if mark.outcome is None else "success" if mark.good else "error",
            "aggregation_key": f"headgate/{mark.name}"[:AGGREGATION_KEY_MAX],
            "source_type_name": "my_apps",
            "tags": [
                "source:headgate",
                f"env:{mark.environment}",
                f"project:{mark.project}",
                f"release:{mark.release}",
                *services,
                *versions,
                *self._tags,
            ],
        }
        made = await self._asking.one("POST", "/api/v1/events", content, retry=False)
        need(made, "status", "Datadog")
        return reference_to(posted | {mark.moment: str(at)})


def create(wires: Wires) -> DatadogMarker:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    secrets = {"dd-api-key": Secret(settings.api_key)}
    return DatadogMarker(Asking(web_of(wires), "Datadog", settings.url, secrets, {}), settings.tags)
