"""GitLab, played by its documentation: "Deployments API" and the statuses of "Commits API"."""

from datetime import UTC, datetime
from typing import Any

from headgate.plugins.vendors import gitlab
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import COMMIT, FROM_ENVIRONMENT, PROMOTED, SECRET, STARTED, STARTED_AT, STORY
from tests.plugins.markers.systems import OverHttp, System, body, query, said

ROOT = "/api/v4/projects/acme%2Fshop"


class GitLab(System):
    """Shows its deployments as marks. Its clock is where the newest release began, a little before it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = STARTED_AT - 5
        self.checks: dict[str, dict[str, Any]] = {}
        self.routes = {
            ("GET", f"{ROOT}/deployments"): self.find,
            ("POST", f"{ROOT}/deployments"): self.create,
            ("PUT", rf"{ROOT}/deployments/(\d+)"): self.update,
            ("GET", f"{ROOT}/repository/commits/{COMMIT}/statuses"): self.list_statuses,
            ("POST", f"{ROOT}/statuses/{COMMIT}"): self.status,
        }

    def admits(self, request: Request) -> bool:
        return request.headers.get("private-token") == SECRET

    def find(self, request: Request) -> Answer:
        asked = query(request)
        assert (asked["order_by"], asked["sort"]) == (["created_at"], ["desc"])
        return said(200, self.kept[::-1])

    def create(self, request: Request) -> Answer:
        content = body(request)
        assert content.keys() == {"environment", "sha", "ref", "tag", "status"}
        made_at = datetime.fromtimestamp(self.now + 900 * len(self.kept), UTC).isoformat()
        self.kept.append({"id": 42 + len(self.kept), "created_at": made_at, "name": "r7"} | content)
        return said(201, self.kept[-1])

    def update(self, request: Request, number: str) -> Answer:
        one, status = self.kept[int(number) - 42], body(request)["status"]
        if status == one["status"]:
            return said(400, {"message": "Cannot transition status"})
        one["status"] = status
        return said(200, one)

    def list_statuses(self, request: Request) -> Answer:
        found = self.checks.get(query(request)["name"][0])
        return said(200, [found] if found else [])

    def status(self, request: Request) -> Answer:
        content = body(request)
        before = self.checks.get(content["name"], {}).get("state")
        if before == content["state"]:
            return said(400, {"message": f"Cannot transition status via :run from :{before}"})
        self.checks[content["name"]] = content | {"status": content["state"]}
        return said(201, content)


class TestGitLab(OverHttp):
    finds_its_own = True

    def vendor(self) -> GitLab:
        return GitLab()

    def create(self, wires: Wires) -> Marker:
        return gitlab.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {"url": origin, "project": "acme/shop", "token": FROM_ENVIRONMENT}

    def test_only_what_changed_is_told(self) -> None:
        system = self.vendor()
        self._told(system, tuple(mark for mark in STORY for _ in range(2)))
        assert [one["status"] for one in system.kept] == ["failed"]
        assert system.checks["headgate/production/web"]["state"] == "failed"

    def test_a_promotion_is_a_success(self) -> None:
        system = self.vendor()
        self._told(system, (STARTED, PROMOTED))
        assert (system.kept[0]["status"], system.kept[0]["sha"]) == ("success", COMMIT)
        assert system.kept[0]["environment"] == "production"
