"""Sentry: a release of each service when it starts, a deploy of it once it is promoted.

What was not promoted gets no deploy: Sentry counts errors by the release that runs, and that is still the old one.

Source: Sentry documentation, API reference, "Releases": "Create a New Release for an Organization" (208 when it is
there already), "List a Release's Deploys", "Create a Deploy".
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import Asking, Secret, need, reference_to, remembered, settings_of, web_of
from headgate.ports.marker import Mark, MarkedService
from headgate.ports.wires import Wires


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`token` has the scope `project:releases`; `projects` are Sentry's project slugs by service (else: its name).

    `version` is what your SDK reports as `release`; it may hold {service}, {version}, {label} and {commit}.
    """

    organization: str
    token: SecretSource
    url: str = "https://sentry.io"
    projects: dict[str, tuple[str, ...]] = {}
    version: str = "{service}@{version}"


class SentryMarker:
    """A release and a deploy a service."""

    def __init__(self, asking: Asking, settings: Settings) -> None:
        self._asking = asking
        self._settings = settings

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference holds the releases and the ids of the deploys, by service."""
        made = remembered(reference)
        for service in mark.services:
            if service.name not in made:
                made[service.name] = await self._release(mark, service)
            if mark.moment == "ended" and mark.good and f"deploy {service.name}" not in made:
                made[f"deploy {service.name}"] = await self._deploy(mark, service)
        return reference_to(made)

    async def _release(self, mark: Mark, service: MarkedService) -> str:
        content: dict[str, Any] = {"version": self._version(service), "projects": self._projects(service)}
        if service.commit:
            content["ref"] = service.commit
        if mark.link:
            content["url"] = mark.link
        made = await self._asking.one("POST", f"{self._releases()}/", content)
        return need(made, "version", "Sentry")

    async def _deploy(self, mark: Mark, service: MarkedService) -> str:
        deploys = f"{self._releases()}/{quote(self._version(service), safe='')}/deploys/"
        name = f"headgate {mark.name}"
        for one in await self._asking.many(deploys):
            if one.get("name") == name and one.get("environment") == mark.environment:
                return need(one, "id", "Sentry")
        content: dict[str, Any] = {
            "environment": mark.environment,
            "name": name,
            "dateStarted": _iso(mark.started_at),
            "dateFinished": _iso(mark.ended_at or mark.at),
            "projects": self._projects(service),
        }
        if mark.link:
            content["url"] = mark.link
        return need(await self._asking.one("POST", deploys, content, retry=False), "id", "Sentry")

    def _releases(self) -> str:
        return f"/api/0/organizations/{quote(self._settings.organization, safe='')}/releases"

    def _version(self, service: MarkedService) -> str:
        return self._settings.version.format(
            service=service.name,
            version=service.after,
            label=service.label or service.after,
            commit=service.commit or service.after,
        )

    def _projects(self, service: MarkedService) -> list[str]:
        return list(self._settings.projects.get(service.name, (service.name,)))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def create(wires: Wires) -> SentryMarker:
    """The plugin's factory. Raises Permanent for a `version` with a placeholder that there is not."""
    settings = settings_of(wires, Settings)
    secrets = {"authorization": Secret(settings.token, "Bearer ")}
    return SentryMarker(Asking(web_of(wires), "Sentry", settings.url, secrets, {}), settings)
