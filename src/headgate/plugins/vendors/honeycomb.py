"""Honeycomb markers: one a release, from its start to its end, its message updated with the outcome.

Source: Honeycomb API documentation, "Markers" (create, list, update with PUT; times in seconds).
"""

from typing import Any
from urllib.parse import quote

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import Asking, Secret, need, settings_of, web_of
from headgate.ports.marker import Mark
from headgate.ports.wires import Wires

WHOLE_ENVIRONMENT = "__all__"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`api_key` is a configuration key that may manage markers; `dataset` its slug, or the whole environment.

    `url` for the EU is https://api.eu1.honeycomb.io.
    """

    api_key: SecretSource
    dataset: str = WHOLE_ENVIRONMENT
    url: str = "https://api.honeycomb.io"
    type: str = "deploy"


class HoneycombMarker:
    """One marker a release."""

    def __init__(self, asking: Asking, settings: Settings) -> None:
        self._asking = asking
        self._type = settings.type
        self._path = f"/1/markers/{quote(settings.dataset, safe='')}"

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference is the marker's id. Found by its message and start when that was lost."""
        content: dict[str, Any] = {
            "start_time": int(mark.started_at),
            "message": f"{mark.name}: {mark.title}",
            "type": self._type,
        }
        if mark.ended_at is not None:
            content["end_time"] = max(int(mark.ended_at), int(mark.started_at) + 1)
        if mark.link:
            content["url"] = mark.link
        marker = reference or await self._find(mark)
        if marker:
            await self._asking.one("PUT", f"{self._path}/{marker}", content)
            return marker
        made = await self._asking.one("POST", self._path, content, retry=False)
        return need(made, "id", "Honeycomb")

    async def _find(self, mark: Mark) -> str:
        begins, start = f"{mark.name}:", int(mark.started_at)
        for one in await self._asking.many(self._path):
            if str(one.get("message", "")).startswith(begins) and one.get("start_time") == start:
                return need(one, "id", "Honeycomb")
        return ""


def create(wires: Wires) -> HoneycombMarker:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    secrets = {"x-honeycomb-team": Secret(settings.api_key)}
    return HoneycombMarker(Asking(web_of(wires), "Honeycomb", settings.url, secrets, {}), settings)
