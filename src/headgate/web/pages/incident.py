"""The incident page: what changed last and is in use, and one click to take each of it back."""

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from headgate.core.model import Verdict, Version
from headgate.core.model.summary import Summary
from headgate.web.api.reading import Release, Releases, ReleasesQuery, Services
from headgate.web.doors.sessions import Session
from headgate.web.http.who import Who
from headgate.web.pages.actions import Action, actions
from headgate.web.pages.render import page
from headgate.web.pages.serving import PageServer
from headgate.web.pages.shown import labels

LOOK_BACK_H = 24
HOUR_S = 3600.0
LOOKED_AT_MAX = 100
SUSPECTS_MAX = 20


class Suspect(msgspec.Struct, frozen=True):
    """A release that may be the cause. `action` takes it back; without one, `no_way` says why."""

    found: Release
    labels: dict[Version, str]
    weight: int
    at: float
    verdict: Verdict | None
    action: Action | None
    no_way: str


class Incident:
    """Possible causes, the likeliest first: what is moving now, then what was promoted last."""

    def __init__(self, server: PageServer) -> None:
        self._server = server

    def routes(self) -> list[BaseRoute]:
        """The one there is: its buttons are those of the releases."""
        return [Route("/incident", self._server.page(self._show))]

    async def _show(self, _: Request, session: Session) -> Response:
        seen = self._server.ledger.last_sequence()
        newest: Releases = await self._server.ask(
            "listReleases", session, query=ReleasesQuery(limit=LOOKED_AT_MAX)
        )
        services: Services = await self._server.ask("listServices", session)
        runs = {run.release for run in services.services}
        since = time.time() - LOOK_BACK_H * HOUR_S
        chosen = [
            one
            for one in newest.releases
            if one.outcome is None or (one.release in runs and _changed_at(one) >= since)
        ]
        chosen.sort(key=_likely, reverse=True)
        values = self._server.common(session, "/incident") | {
            "hours": LOOK_BACK_H,
            "suspects": [await self._suspect(session, one) for one in chosen[:SUSPECTS_MAX]],
            "stream": f"/v1/stream?after={seen}",
            "live": "suspects",
        }
        return page("incident.html", values)

    async def _suspect(self, session: Session, summary: Summary) -> Suspect:
        found: Release = await self._server.ask("getRelease", session, {"release": summary.release})
        offered = actions(found, found.stage, session.who, found.undoable)
        verdicts = [leg.verdict for leg in found.legs if leg.verdict is not None]
        moving = summary.outcome is None
        return Suspect(
            found=found,
            labels=labels(self._server.ledger, summary),
            weight=max((leg.weight for leg in found.legs), default=0),
            at=_changed_at(summary),
            verdict=max(verdicts, key=_weight, default=None) if moving else None,
            action=next((one for one in offered if one.kind == "back" and not one.disabled), None),
            no_way=_no_way(session.who, found),
        )


def _weight(verdict: Verdict) -> float:
    return verdict.evidence


def _likely(summary: Summary) -> tuple[bool, float]:
    return summary.outcome is None, _changed_at(summary)


def _changed_at(summary: Summary) -> float:
    return summary.ended_at or summary.changed_at


def _no_way(who: Who, found: Release) -> str:
    if not who.may("operate", found.summary.environment):
        return f"With the role {who.role} you can only look."
    if found.barred:
        return f"{found.barred[:1].upper()}{found.barred[1:]}."
    if found.summary.outcome == "promoted":
        first = any(move.before is None for move in found.summary.moves)
        return "Nothing ran before it." if first else "Take back first what is under way."
    return "It is on its way back already."
