"""Serves an application on a socket, beside whatever else the event loop does."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from headgate.web.http.connections import (
    CONNECTIONS_MAX,
    HEAD_MAX_BYTES,
    HEADER_S,
    RESERVED,
    Connections,
    bounded,
    within_bounds,
)

STOP_WITHIN_S = 2
BACKLOG = 512
SERVERS = 2
"""A process has so many at least: the owner's and everybody's. They share its descriptors."""

ROOM_MIN = 64


@dataclass(frozen=True)
class Tls:
    """The files of a certificate and its key (PEM)."""

    certificate: str
    key: str


class _Server(uvicorn.Server):
    """Leaves signals to whoever owns the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Install no handler."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. Unlike uvicorn's own, this bounds the time that TLS takes to begin."""
        config, loop = self.config, asyncio.get_running_loop()

        def connected() -> asyncio.Protocol:
            make = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)
            return make(config=config, server_state=self.server_state, app_state=self.lifespan.state)

        within_s = HEADER_S if config.ssl else None
        self.servers = [
            await loop.create_server(
                connected, sock=sock, ssl=config.ssl, backlog=BACKLOG, ssl_handshake_timeout=within_s
            )
            for sock in sockets or ()
        ]
        self.started = True


@contextlib.asynccontextmanager
async def serving(
    application: ASGIApp, listener: socket.socket, tls: Tls | None = None, proxies: Sequence[str] = ()
) -> AsyncGenerator[None]:
    """Serve on `listener` while the context lasts, within the bounds of `connections`.

    Only `proxies` (addresses, ranges) are believed when they say for whom they ask. uvicorn by itself believes whoever
    comes from this machine, or whom its own variable names.

    Raises OSError when the files of `tls` cannot be used.
    """
    connections = Connections(min(CONNECTIONS_MAX, max(ROOM_MIN, (descriptors() - RESERVED) // SERVERS)))
    config = uvicorn.Config(
        within_bounds(application),
        http=bounded(connections),
        ws="none",
        h11_max_incomplete_event_size=HEAD_MAX_BYTES,
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=STOP_WITHIN_S,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=",".join(proxies),
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)


def descriptors() -> int:
    """How many files this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def tcp_listener(host: str, port: int) -> socket.socket:
    """A socket at this address. Raises OSError when it is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol's name asyncio leaves Nagle's algorithm on, and each answer waits for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.listen(BACKLOG)  # only now is a port that somebody else has refused
    except BaseException:
        listener.close()
        raise
    return listener
