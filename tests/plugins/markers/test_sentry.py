"""Sentry, played by its API reference: "Create a New Release", "List a Release's Deploys", "Create a Deploy"."""

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from headgate.plugins.vendors import sentry
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import COMMIT, FROM_ENVIRONMENT, PROMOTED, STARTED, STORY
from tests.plugins.markers.systems import OverHttp, System, body, said

RELEASES = "/api/0/organizations/acme/releases"


class Sentry(System):
    """Shows its releases as marks; `deploys` are by release."""

    def __init__(self) -> None:
        super().__init__()
        self.deploys: dict[str, list[dict[str, Any]]] = {}
        self.routes = {
            ("POST", f"{RELEASES}/"): self.release,
            ("GET", f"{RELEASES}/([^/]+)/deploys/"): self.list_deploys,
            ("POST", f"{RELEASES}/([^/]+)/deploys/"): self.deploy,
        }

    def release(self, request: Request) -> Answer:
        content = body(request)
        assert content["projects"]
        if any(one["version"] == content["version"] for one in self.kept):
            return said(208, content)
        self.kept.append(content)
        return said(201, {"id": len(self.kept), "shortVersion": content["version"]} | content)

    def list_deploys(self, request: Request, version: str) -> Answer:
        return said(200, self.deploys.get(unquote(version), []))

    def deploy(self, request: Request, version: str) -> Answer:
        if all(one["version"] != unquote(version) for one in self.kept):
            return said(404, {"detail": "The requested resource does not exist"})
        deploys = self.deploys.setdefault(unquote(version), [])
        deploys.append({"id": str(len(deploys) + 1)} | body(request))
        return said(201, deploys[-1])


class TestSentry(OverHttp):
    finds_its_own = True

    def vendor(self) -> Sentry:
        return Sentry()

    def create(self, wires: Wires) -> Marker:
        return sentry.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        version = {"version": "{service}@{version}"}
        return {"url": origin, "organization": "acme", "token": FROM_ENVIRONMENT} | version

    def test_releases_do_not_share_a_mark(self) -> None:
        """A version is one release in Sentry however often it is tried: its deploys are what differs."""
        system = self.vendor()
        self._told(system, (STARTED, PROMOTED, PROMOTED))
        self._told(system, tuple(replace(mark, release="r8") for mark in (STARTED, PROMOTED)))
        ((_, deploys),) = system.deploys.items()
        assert [one["name"] for one in deploys] == [
            "headgate shop/production/r7",
            "headgate shop/production/r8",
        ]

    def test_a_release_leaves_its_mark(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        (release,) = system.kept
        version = f"web@{STARTED.services[0].after}"
        assert release == {"version": version, "projects": ["web"], "ref": COMMIT}
        assert not system.deploys, "what was rolled back was not deployed"

    def test_a_promotion_is_a_deploy(self) -> None:
        system = self.vendor()
        self._told(system, (STARTED, PROMOTED))
        ((version, (deploy,)),) = system.deploys.items()
        assert version == f"web@{STARTED.services[0].after}"
        assert (deploy["environment"], deploy["dateFinished"]) == (
            "production",
            "2025-06-15T15:07:22.000000Z",
        )
