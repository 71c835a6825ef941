"""The life of a process: start, listen, serve until SIGTERM or SIGINT, drain, stop."""

import asyncio
import os
import signal
import sqlite3
import sys

from shop.application import Application
from shop.server import Server, log
from shop.settings import Settings, read_settings


def main(shop: type[Application]) -> int:
    """Serve `shop` until it is told to stop; returns the exit status: 0, 1 if it cannot start, 2 for wrong settings."""
    try:
        settings = read_settings(os.environ)
    except ValueError as error:
        log(f"shop: {error}")
        return 2
    try:
        asyncio.run(_serve(shop(settings), settings))
    except (OSError, sqlite3.Error) as error:
        log(f"shop: cannot start: {error}")
        return 1
    return 0


async def _serve(application: Application, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = Server(
        application.handle, idle_s=settings.idle_s, grace_s=settings.grace_s, drain_s=settings.drain_s
    )
    # It listens before it has started, as a start-up probe needs: until then it answers 503 there.
    port = await server.listen(settings.port)
    await application.start()
    sys.stdout.write(f"shop {application.version} listens on http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await stop.wait()
    application.stopping = True
    await server.drain()
    await application.stop()
