"""Grafana annotations: a region from a release's start to its end, its text and tags updated with the outcome.

Source: Grafana documentation, "Annotations HTTP API" (find, create, patch; times in milliseconds).
"""

from typing import Any
from urllib.parse import urlencode

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import Asking, Secret, need, settings_of, web_of
from headgate.ports.marker import Mark
from headgate.ports.wires import Wires


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url` is Grafana's own, `token` of a service account that may write annotations.

    Without `dashboard` (its uid) the annotation shows on every dashboard that asks for the tag `headgate`.
    """

    url: str
    token: SecretSource
    dashboard: str = ""
    panel: int | None = None
    tags: tuple[str, ...] = ()


class GrafanaMarker:
    """One annotation a release."""

    def __init__(self, asking: Asking, settings: Settings) -> None:
        self._asking = asking
        self._settings = settings

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference is the annotation's id. Found by its tags when that was lost."""
        annotation = reference or await self._find(mark)
        content = self._content(mark)
        if annotation:
            await self._asking.one("PATCH", f"/api/annotations/{annotation}", content)
            return annotation
        # Not again when its fate is unknown: the next attempt looks for it first.
        made = await self._asking.one("POST", "/api/annotations", self._placed(content), retry=False)
        return need(made, "id", self._asking.name)

    async def _find(self, mark: Mark) -> str:
        query = urlencode({"type": "annotation", "limit": 10, "tags": _own(mark)}, doseq=True)
        found = await self._asking.many(f"/api/annotations?{query}")
        start = _ms(mark.started_at)
        return next((str(one["id"]) for one in found if one.get("time") == start), "")

    def _content(self, mark: Mark) -> dict[str, Any]:
        services = [f"service:{service.name}" for service in mark.services]
        outcome = [mark.outcome] if mark.outcome else []
        return {
            "time": _ms(mark.started_at),
            "timeEnd": _ms(mark.ended_at or mark.at),
            "tags": [*_own(mark), *services, *outcome, *self._settings.tags],
            "text": f"{mark.title}\n{mark.text}",
        }

    def _placed(self, content: dict[str, Any]) -> dict[str, Any]:
        place: dict[str, Any] = {}
        if self._settings.dashboard:
            place["dashboardUID"] = self._settings.dashboard
        if self._settings.panel is not None:
            place["panelId"] = self._settings.panel
        return place | content


def _own(mark: Mark) -> list[str]:
    return [
        "headgate",
        f"project:{mark.project}",
        f"environment:{mark.environment}",
        f"release:{mark.release}",
    ]


def _ms(at: float) -> int:
    return round(at * 1000)


def create(wires: Wires) -> GrafanaMarker:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    secrets = {"authorization": Secret(settings.token, "Bearer ")}
    return GrafanaMarker(Asking(web_of(wires), "Grafana", settings.url, secrets, {}), settings)
