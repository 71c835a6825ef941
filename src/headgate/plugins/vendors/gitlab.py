"""GitLab: a deployment of each service's commit, updated with its outcome, and a commit status.

Source: GitLab documentation, "Deployments API" (list, create, update) and "Commits API" (list and set the pipeline
status of a commit). GitLab refuses a status that is the one it has: it is only told what changed.
"""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import Asking, Secret, need, settings_of, web_of
from headgate.kit.per_service import mark_deployments
from headgate.ports.marker import Mark, MarkedService
from headgate.ports.wires import Wires

CLOCKS_S = 60.0
"""How far GitLab's clock may be behind ours."""

Status = Literal["running", "success", "failed", "canceled"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`project` is its number or its path (`group/shop`); `token` has the scope `api`; `ref` is what was deployed.

    `environment` may hold {environment} and {service}.
    """

    project: str | int
    token: SecretSource
    url: str = "https://gitlab.com"
    ref: str = "main"
    environment: str = "{environment}"
    commit_statuses: bool = True


class GitLabMarker:
    """A deployment and a commit status a service."""

    def __init__(self, asking: Asking, settings: Settings) -> None:
        self._asking = asking
        self._settings = settings
        self._root = f"/api/v4/projects/{quote(str(settings.project), safe='')}"

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference holds, by service, `id status`. Raises Permanent for an unknown commit."""
        return await mark_deployments(mark, reference, "GitLab", self._mark)

    async def _mark(self, mark: Mark, service: MarkedService, known: str) -> str:
        deployment, _, last = known.partition(" ")
        status = _status(mark)
        if not deployment:
            deployment, last = await self._find(mark, service)
        if not deployment:
            deployment, last = await self._create(mark, service, status), status
        if status != last:
            await self._asking.one("PUT", f"{self._root}/deployments/{deployment}", {"status": status})
        if self._settings.commit_statuses and known != f"{deployment} {status}":
            await self._commit_status(mark, service, status)
        return f"{deployment} {status}"

    async def _find(self, mark: Mark, service: MarkedService) -> tuple[str, str]:
        query = {"environment": self._environment(mark, service), "order_by": "created_at", "sort": "desc"}
        path = f"{self._root}/deployments?{urlencode({**query, 'per_page': 20})}"
        for one in await self._asking.many(path):
            made_at = datetime.fromisoformat(str(one.get("created_at", "1970-01-01T00:00:00Z"))).timestamp()
            if one.get("sha") == service.commit and made_at >= mark.started_at - CLOCKS_S:
                return need(one, "id", "GitLab"), str(one.get("status", ""))
        return "", ""

    async def _create(self, mark: Mark, service: MarkedService, status: Status) -> str:
        content: dict[str, Any] = {
            "environment": self._environment(mark, service),
            "sha": service.commit,
            "ref": self._settings.ref,
            "tag": False,
            "status": status,
        }
        made = await self._asking.one("POST", f"{self._root}/deployments", content, retry=False)
        return need(made, "id", "GitLab")

    async def _commit_status(self, mark: Mark, service: MarkedService, status: Status) -> None:
        name = f"headgate/{mark.environment}/{service.name}"
        sha = quote(service.commit)
        path = f"{self._root}/repository/commits/{sha}/statuses?{urlencode({'name': name, 'per_page': 1})}"
        before = next((one.get("status") for one in await self._asking.many(path)), None)
        if before == status:
            return
        content = {"state": status, "name": name, "ref": self._settings.ref, "description": mark.title[:255]}
        if mark.link:
            content["target_url"] = mark.link
        await self._asking.one("POST", f"{self._root}/statuses/{sha}", content, retry=False)

    def _environment(self, mark: Mark, service: MarkedService) -> str:
        return self._settings.environment.format(environment=mark.environment, service=service.name)


def _status(mark: Mark) -> Status:
    if mark.outcome is None:
        return "running"
    return "success" if mark.good else "failed" if mark.outcome == "rolled_back" else "canceled"


def create(wires: Wires) -> GitLabMarker:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    secrets = {"private-token": Secret(settings.token)}
    return GitLabMarker(Asking(web_of(wires), "GitLab", settings.url, secrets, {}), settings)
