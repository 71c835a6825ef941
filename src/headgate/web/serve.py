"""Serves an application on a unix socket, beside whatever else the event loop does."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

STOP_WITHIN_S = 2


class _Server(uvicorn.Server):
    """Leaves signals to whoever owns the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Install no handler."""
        yield


@contextlib.asynccontextmanager
async def serving(application: ASGIApp, path: Path) -> AsyncGenerator[None]:
    """Serve while the context lasts. Only the owner can open the socket.

    Whoever calls holds the home's lease, so a socket that is there already was left by a controller that died.
    """
    listener = _listener(path)
    config = uvicorn.Config(
        application,
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=STOP_WITHIN_S,
        access_log=False,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        _remove(path)


def _listener(path: Path) -> socket.socket:
    _remove(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    return listener


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
