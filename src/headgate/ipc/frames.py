"""Frames: four bytes of length (big-endian) and so many bytes of content. Bounded in size and time."""

import socket
import struct

FRAME_MAX_BYTES = 4 * 1024 * 1024 + 65_536
"""The largest body that the API takes, and a little around it."""

HEAD = struct.Struct(">I")


class Broken(Exception):  # noqa: N818 - a fact about the other side
    """What came is no frame: too long, or broken off."""


def framed(content: bytes) -> bytes:
    """A frame of this content. Raises Broken when it is too large for one."""
    if len(content) > FRAME_MAX_BYTES:
        raise Broken(f"a message of {len(content)} bytes is too large: at most {FRAME_MAX_BYTES}")
    return HEAD.pack(len(content)) + content


def receive_frame(connection: socket.socket) -> bytes:
    """The next frame's content, for whoever has no event loop; the socket's own time-out counts for each part.

    Raises Broken, OSError.
    """
    return _receive(connection, size_of(_receive(connection, HEAD.size)))


def _receive(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise Broken("the other side has ended")
        received += part
    return bytes(received)


def size_of(head: bytes) -> int:
    """How long the content is, by the four bytes before it. Raises Broken when that is too long."""
    size = int(HEAD.unpack(head)[0])
    if size > FRAME_MAX_BYTES:
        raise Broken(f"a frame of {size} bytes is too large: at most {FRAME_MAX_BYTES}")
    return size
