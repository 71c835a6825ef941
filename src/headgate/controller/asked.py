"""Does the controller answer? A connection alone says little: the kernel takes it for a process that hangs."""

import asyncio
import http.client
from pathlib import Path

from headgate.unix_sockets import connect


async def answers(path: Path, within_s: float) -> bool:
    """True when whoever listens at `path` says that it is well within so many seconds."""
    return await asyncio.to_thread(_asked, path, within_s)


def _asked(path: Path, within_s: float) -> bool:
    connection = http.client.HTTPConnection("headgate", timeout=within_s)
    try:
        connection.sock = connect(path, within_s)
        connection.request("GET", "/v1/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
