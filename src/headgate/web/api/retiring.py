"""Retirement of a service that is no longer wanted."""

from http import HTTPStatus
from typing import Annotated

import msgspec

from headgate.core.model import Unit
from headgate.ports.controller import Controller, Retired, Stopped, Unretirable
from headgate.web.api.steering import author, stopping
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import Problem


class Retirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The unit that is no longer wanted, and why. `by` counts only from whoever comes by the socket."""

    unit: Unit
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    by: Annotated[str, msgspec.Meta(max_length=200)] = ""


class RetiringUnits:
    """The endpoint that retires a unit."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The only one."""
        return (
            Endpoint(
                method="POST",
                path="/v1/retirements",
                name="retireUnit",
                summary="Take a unit away for good: no traffic, no processes; say it again to ask how far that is",
                handler=self._retire,
                answer=Retired,
                tag="services",
                permission="operate",
                body=Retirement,
                problems=(HTTPStatus.CONFLICT,),
                keyed=True,
            ),
        )

    async def _retire(self, call: Call) -> Reply:
        asked: Retirement = call.body
        call.demand("operate", asked.unit.environment)
        try:
            return Reply(await self._controller.retire(asked.unit, author(call), asked.reason))
        except Unretirable as error:
            raise Problem(HTTPStatus.CONFLICT, "not possible now", str(error)) from error
        except Stopped as error:
            raise stopping(error) from error
