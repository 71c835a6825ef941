"""Frames from an event loop's streams."""

import asyncio

from headgate.ipc.frames import HEAD, Broken, size_of


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame's content; None where the other side has ended. Raises Broken, OSError."""
    try:
        head = await reader.readexactly(HEAD.size)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Broken("a frame broke off") from error
        return None
    try:
        return await reader.readexactly(size_of(head))
    except asyncio.IncompleteReadError as error:
        raise Broken("a frame broke off") from error
