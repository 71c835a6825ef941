"""The other end of a channel: a local HTTP server that keeps what arrived."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from headgate.ports.notifier import Notifier
from headgate.ports.web import Answer, Request
from headgate.testing.web import http_server


@dataclass
class End:
    """See testing.notifiers.Listening."""

    notifier: Notifier
    secrets: tuple[str, ...] = ()
    requests: list[Request] = field(default_factory=list)
    status: int = 200

    def heard(self) -> list[str]:
        return [request.body.decode() for request in self.requests if self.status == 200]

    def answer(self, status: int) -> None:
        self.status = status

    def take(self, request: Request) -> Answer:
        if self.status == 0:
            raise ConnectionError
        self.requests.append(request)
        return Answer(self.status, {}, b"{}")


@asynccontextmanager
async def ended(make: Callable[[str], tuple[Notifier, tuple[str, ...]]]) -> AsyncGenerator[End]:
    """A channel whose address is a local server; `make` is given its origin."""
    end: list[End] = []
    async with http_server(lambda request: end[0].take(request)) as origin:  # noqa: PLW0108 - it is made below
        notifier, secrets = make(origin)
        end.append(End(notifier, secrets))
        yield end[0]
