"""The page of freezes and barriers, and its forms."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from headgate.web.api.barriers import Barriers, Lifting
from headgate.web.api.home import Freezes, FreezeState, NewFreeze
from headgate.web.doors.sessions import Session
from headgate.web.http.problems import malformed
from headgate.web.pages.render import page
from headgate.web.pages.serving import PageServer

HOUR_S = 3600.0


class FreezePages:
    """When nothing may change, and what nothing may go back across; how to set and lift them."""

    def __init__(self, server: PageServer) -> None:
        self._server = server

    def routes(self) -> list[BaseRoute]:
        """The page, and its forms."""
        return [
            Route("/freezes", self._server.page(self._show)),
            Route("/freezes", self._server.form(self._set), methods=["POST"]),
            Route("/freezes/{freeze}/lift", self._server.form(self._lift), methods=["POST"]),
            Route("/barriers/{release}/lift", self._server.form(self._lift_barrier), methods=["POST"]),
        ]

    async def _show(self, _: Request, session: Session) -> Response:
        found: Freezes = await self._server.ask("listFreezes", session)
        barriers: Barriers = await self._server.ask("listBarriers", session)
        values = self._server.common(session, "/freezes") | {
            "page": found,
            "barriers": barriers.barriers,
            "days": days(found.freezes, time.time()),
            "live": "days freezes barriers",
            "may_set": session.who.may("operate"),
            "may_lift": session.who.may("approve"),
        }
        return page("freezes.html", values)

    async def _set(self, _: Request, session: Session, given: Mapping[str, str]) -> str:
        hours = given.get("hours", "")
        if hours and not hours.isdigit():
            raise malformed(f"{hours!r} is no number of hours", "hours")
        fields = {
            "reason": given.get("reason", ""),
            "ends_at": time.time() + int(hours) * HOUR_S if hours else None,
            "environments": [
                name.strip() for name in given.get("environments", "").split(",") if name.strip()
            ],
        }
        try:
            body = msgspec.convert(fields, NewFreeze)
        except msgspec.ValidationError as error:
            raise malformed(str(error), "form") from error
        await self._server.ask("setFreeze", session, body=body)
        return "/freezes"

    async def _lift(self, request: Request, session: Session, _: Mapping[str, str]) -> str:
        await self._server.ask("liftFreeze", session, {"freeze": request.path_params["freeze"]})
        return "/freezes"

    async def _lift_barrier(self, request: Request, session: Session, given: Mapping[str, str]) -> str:
        try:
            fields = {"reason": given.get("reason", ""), "services": [given.get("service", "")]}
            body = msgspec.convert(fields, Lifting)
        except msgspec.ValidationError as error:
            raise malformed(str(error), "form") from error
        await self._server.ask("liftBarrier", session, {"release": request.path_params["release"]}, body=body)
        return "/freezes"


# Two weeks of freezes, day by day (UTC).

DAYS = 14


class Day(msgspec.Struct, frozen=True):
    """One day and what is frozen in it."""

    date: str
    weekday: str
    today: bool
    freezes: list[FreezeState]


def days(freezes: Iterable[FreezeState], now: float) -> list[Day]:
    """The days from today on, each with the freezes that hold for any part of it."""
    known = list(freezes)
    start = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [_day(start + timedelta(days=n), known, today=not n) for n in range(DAYS)]


def _day(start: datetime, known: list[FreezeState], *, today: bool) -> Day:
    begins, ends = start.timestamp(), (start + timedelta(days=1)).timestamp()
    held = [one for one in known if one.begins_at < ends and _end(one) > begins]
    return Day(f"{start:%d %b}", f"{start:%a}", today, held)


def _end(freeze: FreezeState) -> float:
    ends = (end for end in (freeze.ends_at, freeze.lifted_at) if end is not None)
    return min(ends, default=float("inf"))
