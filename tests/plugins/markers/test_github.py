"""GitHub, played by its REST documentation: deployments, their statuses, commit statuses."""

from dataclasses import replace
from typing import Any

from headgate.plugins.vendors import github
from headgate.ports.errors import Permanent
from headgate.ports.marker import MarkedService, Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import COMMIT, FROM_ENVIRONMENT, PROMOTED, STARTED, STORY
from tests.plugins.markers.systems import OverHttp, System, body, query, said

ROOT = "/repos/acme/shop"
STATES = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}


class GitHub(System):
    """Shows its deployments as marks; `statuses` are by deployment, `checks` by commit and context."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: dict[int, list[dict[str, Any]]] = {}
        self.checks: dict[tuple[str, str], dict[str, Any]] = {}
        self.routes = {
            ("GET", f"{ROOT}/deployments"): self.find,
            ("POST", f"{ROOT}/deployments"): self.create,
            ("GET", rf"{ROOT}/deployments/(\d+)/statuses"): self.list_statuses,
            ("POST", rf"{ROOT}/deployments/(\d+)/statuses"): self.status,
            ("POST", f"{ROOT}/statuses/([0-9a-f]+)"): self.check,
        }

    def admits(self, request: Request) -> bool:
        known = request.headers.get("x-github-api-version") == "2022-11-28"
        return known and super().admits(request)

    def find(self, request: Request) -> Answer:
        asked = query(request)
        found = [
            one
            for one in self.kept
            if one["sha"] == asked["sha"][0] and one["environment"] == asked["environment"][0]
        ]
        return said(200, found[::-1])

    def create(self, request: Request) -> Answer:
        content = body(request)
        assert content["required_contexts"] == []
        assert content["auto_merge"] is False
        self.kept.append({"id": len(self.kept) + 1, "sha": content["ref"]} | content)
        return said(201, self.kept[-1])

    def list_statuses(self, request: Request, number: str) -> Answer:
        return said(200, self.statuses.get(int(number), [])[::-1])

    def status(self, request: Request, number: str) -> Answer:
        content = body(request)
        assert content["state"] in STATES
        assert len(content["description"]) <= 140
        self.statuses.setdefault(int(number), []).append(content)
        return said(201, {"id": 1} | content)

    def check(self, request: Request, sha: str) -> Answer:
        content = body(request)
        assert content["state"] in {"error", "failure", "pending", "success"}
        self.checks[sha, content["context"]] = content
        return said(201, {"id": 1} | content)


class TestGitHub(OverHttp):
    finds_its_own = True

    def vendor(self) -> GitHub:
        return GitHub()

    def create(self, wires: Wires) -> Marker:
        return github.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {"url": origin, "repository": "acme/shop", "token": FROM_ENVIRONMENT}

    def test_its_statuses_follow_the_release(self) -> None:
        system = self.vendor()
        self._told(system, tuple(mark for mark in STORY for _ in range(2)))
        assert [one["state"] for one in system.statuses[1]] == ["in_progress", "pending", "failure"]
        assert system.checks[COMMIT, "headgate/production/web"]["state"] == "failure"
        self._told(system, (replace(STARTED, release="r8"), replace(PROMOTED, release="r8")))
        assert [one["state"] for one in system.statuses[2]] == ["in_progress", "success"]

    def test_services_of_a_release_do_not_put_out_each_other(self) -> None:
        system = self.vendor()
        both = (STARTED.services[0], MarkedService("api", "", "c0ffee", commit=COMMIT))
        self._told(system, (replace(STARTED, services=both),))
        assert [one["payload"]["service"] for one in system.kept] == ["web", "api"]
        assert not any(one["auto_inactive"] for found in system.statuses.values() for one in found)

    def test_an_unknown_commit_is_told(self) -> None:
        nobody = replace(STARTED, services=(MarkedService("web", "", "c0ffee"),))
        system = self.vendor()

        async def attempt(marker: Marker) -> None:
            try:
                await marker.mark(nobody, "")
            except Permanent as error:
                assert "web" in str(error)  # noqa: PT017 - the marker is made inside
            else:
                raise AssertionError("a deployment of no commit")

        self._run(system.answer, attempt)
        assert not system.kept
