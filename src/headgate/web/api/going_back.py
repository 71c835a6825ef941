"""Rollback of what was promoted: a new release that restores an old version."""

from collections.abc import Callable
from http import HTTPStatus

from headgate.core.model.summary import Summary
from headgate.ledger import Ledger
from headgate.ledger.going_back import NoWay, Way, way_before, way_to
from headgate.ports.controller import Controller, Stopped
from headgate.web.api.steering import Begun, Reason, author, stopping
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import Problem, unknown


class GoingBack:
    """The endpoints for what is promoted already. Of what is under way, `abort` is the way back."""

    def __init__(self, controller: Controller, ledger: Ledger) -> None:
        self._controller = controller
        self._ledger = ledger

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Both of them."""
        return (
            self._endpoint(
                "rollback",
                "Undo what this release promoted: back to what ran before it; of a way back, further back",
                way_before,
            ),
            self._endpoint("restore", "Back to what this earlier release had promoted", _restored),
        )

    def _endpoint(self, verb: str, summary: str, find: Callable[[Ledger, Summary], Way]) -> Endpoint:
        async def go(call: Call) -> Reply:
            return await self._go(call, find)

        return Endpoint(
            method="POST",
            path=f"/v1/releases/{{release}}/{verb}",
            name=f"{verb}Release",
            summary=f"{summary}, at once; a new release, whose name is answered",
            handler=go,
            answer=Begun,
            tag="releases",
            permission="operate",
            body=Reason,
            status=HTTPStatus.CREATED,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
            keyed=True,
        )

    async def _go(self, call: Call, find: Callable[[Ledger, Summary], Way]) -> Reply:
        """Whether the old versions can still be started is asked before anything changes, by the artifacts' gate."""
        summary = self._ledger.summary(call.params["release"])
        if summary is None:
            raise unknown("release", call.params["release"])
        call.demand("operate", summary.environment)
        try:
            way = find(self._ledger, summary)
        except NoWay as no:
            detail = f"{no}; {no.hint}" if no.hint else str(no)
            raise Problem(HTTPStatus.CONFLICT, "there is no such way back", detail) from no
        for intent in way.intents:
            call.demand("operate", intent.unit.environment)
        try:
            return Reply(Begun(await self._controller.submit(way.submission(author(call), call.body.reason))))
        except Stopped as error:
            raise stopping(error) from error


def _restored(ledger: Ledger, summary: Summary) -> Way:
    return way_to(ledger, summary, [move.unit for move in summary.moves])
