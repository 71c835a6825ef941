"""The sign-in link of the owner's browser: it signs in once."""

from http import HTTPStatus

import msgspec

from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.sessions import TICKET_S
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import Problem
from headgate.web.http.who import owner


class Link(msgspec.Struct, frozen=True):
    """Opened within `good_for_s` seconds, `path` signs in, once. `url` is the front door's; empty: there is none."""

    url: str
    path: str
    good_for_s: float


class Admission:
    """For the unix socket only: whoever opens it is the owner, and may hand that on to a browser."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The one there is."""
        return (
            Endpoint(
                "POST",
                "/v1/sign-in-links",
                "makeSignInLink",
                "A link that signs a browser in, once, as the owner; only by the unix socket",
                self._link,
                Link,
                "access",
                permission="administer",
                status=HTTPStatus.CREATED,
            ),
        )

    async def _link(self, call: Call) -> Reply:
        if call.who.door != "socket":
            raise Problem(
                HTTPStatus.FORBIDDEN, "not allowed", "only by the unix socket, on the machine itself"
            )
        ticket = self._door.tickets.issue(owner(), self._door.now())
        return Reply(Link(self._door.url, f"/sign-in?ticket={ticket}", TICKET_S))
