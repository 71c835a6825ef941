"""GitHub: a deployment of each service's commit with its statuses, and a commit status.

Source: GitHub REST API documentation (2022-11-28), "Deployments" (create, list), "Deployment statuses" (create, list),
"Commit statuses" (create).
"""

from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.marking import Asking, Secret, need, settings_of, web_of
from headgate.kit.per_service import mark_deployments
from headgate.ports.marker import Mark, MarkedService
from headgate.ports.wires import Wires

DESCRIPTION_MAX = 140
HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}

State = Literal["in_progress", "pending", "success", "failure", "error"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`repository` is `owner/name`; `token` may write deployments and, with `commit_statuses`, commit statuses.

    `environment` may hold {environment} and {service}. `url` of a GitHub Enterprise Server ends with /api/v3.
    """

    repository: str
    token: SecretSource
    url: str = "https://api.github.com"
    environment: str = "{environment}"
    commit_statuses: bool = True


class GitHubMarker:
    """A deployment and a commit status a service."""

    def __init__(self, asking: Asking, settings: Settings) -> None:
        self._asking = asking
        self._settings = settings
        self._root = f"/repos/{quote(settings.repository)}"

    async def mark(self, mark: Mark, reference: str) -> str:
        """As the port says; the reference holds, by service, `id state`. Raises Permanent for an unknown commit."""
        return await mark_deployments(mark, reference, "GitHub", self._mark)

    async def _mark(self, mark: Mark, service: MarkedService, known: str) -> str:
        deployment, _, last = known.partition(" ")
        if not deployment:
            deployment = await self._find(mark, service)
            if deployment:
                last = await self._last(deployment)
        if not deployment:
            deployment = await self._create(mark, service)
        state = _state(mark)
        if state != last:
            await self._say(mark, service, deployment, state)
        return f"{deployment} {state}"

    async def _find(self, mark: Mark, service: MarkedService) -> str:
        query = urlencode(
            {"sha": service.commit, "environment": self._environment(mark, service), "per_page": 30}
        )
        for one in await self._asking.many(f"{self._root}/deployments?{query}"):
            payload = one.get("payload")
            if isinstance(payload, dict) and payload == _payload(mark, service):
                return need(one, "id", "GitHub")
        return ""

    async def _last(self, deployment: str) -> str:
        path = f"{self._root}/deployments/{deployment}/statuses?per_page=1"
        return next((str(one.get("state", "")) for one in await self._asking.many(path)), "")

    async def _create(self, mark: Mark, service: MarkedService) -> str:
        content: dict[str, Any] = {
            "ref": service.commit,
            "task": "deploy",
            "auto_merge": False,
            "required_contexts": [],  # whether it may be released is Headgate's question, and is answered
            "payload": _payload(mark, service),
            "environment": self._environment(mark, service),
            "description": mark.title[:DESCRIPTION_MAX],
        }
        made = await self._asking.one("POST", f"{self._root}/deployments", content, retry=False)
        return need(made, "id", "GitHub")

    async def _say(self, mark: Mark, service: MarkedService, deployment: str, state: State) -> None:
        description = mark.title[:DESCRIPTION_MAX]
        content: dict[str, Any] = {
            "state": state,
            "description": description,
            "environment": self._environment(mark, service),
            "auto_inactive": len(mark.services) == 1,  # services of one release must not put out each other
        }
        if mark.link:
            content["log_url"] = mark.link
        if self._settings.commit_statuses:
            await self._status(mark, service, state, description)
        path = f"{self._root}/deployments/{deployment}/statuses"
        await self._asking.one("POST", path, content, retry=False)

    async def _status(self, mark: Mark, service: MarkedService, state: State, description: str) -> None:
        """The newest of a context counts, so saying it twice does no harm."""
        content = {
            "state": "pending" if state == "in_progress" else state,
            "description": description,
            "context": f"headgate/{mark.environment}/{service.name}",
        }
        if mark.link:
            content["target_url"] = mark.link
        await self._asking.one("POST", f"{self._root}/statuses/{quote(service.commit)}", content)

    def _environment(self, mark: Mark, service: MarkedService) -> str:
        return self._settings.environment.format(environment=mark.environment, service=service.name)


def _payload(mark: Mark, service: MarkedService) -> dict[str, str]:
    return {"headgate": mark.name, "service": service.name, "version": service.after}


def _state(mark: Mark) -> State:
    if mark.outcome is None:
        return "pending" if mark.phase == "held" else "in_progress"
    return "success" if mark.good else "error" if mark.outcome == "refused" else "failure"


def create(wires: Wires) -> GitHubMarker:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    secrets = {"authorization": Secret(settings.token, "Bearer ")}
    return GitHubMarker(Asking(web_of(wires), "GitHub", settings.url, secrets, HEADERS), settings)
