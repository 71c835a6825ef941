"""Listeners for what other systems send by themselves: bounded in size, time and number, for any `Receiver`."""

import asyncio
import contextlib
import socket
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headgate.ports.errors import Permanent, Temporary
from headgate.ports.receiver import DELIVERY_MAX_BYTES, Delivery, R, Receiver, Reply
from headgate.web.http.serve import serving

DELIVERY_MAX_S = 10.0
"""A delivery must be there, whole, so soon after it began."""

UNDER_WAY_MAX_BYTES = 4 * DELIVERY_MAX_BYTES
UNDER_WAY_MAX = 64
"""How much, and how many deliveries, may be half received or half worked off at once."""

RETRY_AFTER_S = 1
LISTENERS_MAX = 16
BACKLOG = 128
MEMBERS_MAX = 16
"""So many gzip files may stand one after the other in a delivery."""

_GZIP = 16 + zlib.MAX_WBITS


class Refused(Exception):  # noqa: N818 - what was done
    """A delivery is turned away, with an HTTP status and a reason for people."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Receiving:
    """Every listener of a controller. `serve` is what plugins are given; `aclose` ends them all."""

    def __init__(self) -> None:
        self._listeners: dict[str, _Listener] = {}

    def serve(self, listen: str, protocol: str, make: Callable[[], R]) -> R:
        """See ports.receiver.Serve."""
        host, port = place(listen)
        listener = self._listeners.get(f"{host} {port}")
        if listener is None:
            if len(self._listeners) >= LISTENERS_MAX:
                raise Permanent(
                    f"{listen}: there are {LISTENERS_MAX} listeners already; let sources share one"
                )
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                raise Temporary(f"nothing listens at {listen} before the controller runs") from None
            listener = self._listeners[f"{host} {port}"] = _Listener(_bound(listen, host, port), loop)
        return listener.receiver(protocol, make)

    async def aclose(self) -> None:
        """Stop listening, everywhere."""
        listeners, self._listeners = list(self._listeners.values()), {}
        await asyncio.gather(*(listener.close() for listener in listeners))


@dataclass
class _UnderWay:
    """What is being received or worked off now."""

    deliveries: int = 0
    bytes: int = 0


@dataclass
class _Receivers:
    by_protocol: dict[str, Receiver] = field(default_factory=dict[str, Receiver])
    by_path: dict[str, Receiver] = field(default_factory=dict[str, Receiver])


class _Listener:
    """One address. It is an ASGI application by itself."""

    def __init__(self, bound: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._receivers = _Receivers()
        self._under_way = _UnderWay()
        self._stop = asyncio.Event()
        self._task = loop.create_task(self._serve(bound))

    def receiver(self, protocol: str, make: Callable[[], R]) -> R:
        known = self._receivers.by_protocol.get(protocol)
        if known is None:
            known = self._receivers.by_protocol[protocol] = make()
            self._receivers.by_path |= dict.fromkeys(known.paths, known)
        return known  # type: ignore[return-value]  # the same protocol is always made by the same plugin

    async def close(self) -> None:
        self._stop.set()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self, bound: socket.socket) -> None:
        with contextlib.closing(bound):
            async with serving(self, bound):
                await self._stop.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        with contextlib.suppress(ClientDisconnect):
            await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        receiver = self._receivers.by_path.get(request.url.path)
        if receiver is None:
            known = ", ".join(self._receivers.by_path)
            return Response(f"nothing is received at this path; there are {known}\n", 404)
        if request.method != "POST":
            return Response("send it with POST\n", 405, {"allow": "POST"})
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        head = Delivery(request.url.path, content_type)
        if self._under_way.deliveries >= UNDER_WAY_MAX:
            return _response(receiver.refuse(head, 429, "too many deliveries at once"))
        self._under_way.deliveries += 1
        try:
            return _response(await self._delivered(request, receiver, head))
        finally:
            self._under_way.deliveries -= 1

    async def _delivered(self, request: Request, receiver: Receiver, head: Delivery) -> Reply:
        body = bytearray()
        try:
            unpack = _unpacker(request.headers.get("content-encoding", "identity"))
            async with asyncio.timeout(DELIVERY_MAX_S):
                await self._read(request, body)
            whole = await asyncio.to_thread(unpack, body)
            return await receiver.receive(Delivery(head.path, head.content_type, whole))
        except TimeoutError:
            return receiver.refuse(head, 408, f"the delivery was not there within {DELIVERY_MAX_S:g} s")
        except Refused as refused:
            return receiver.refuse(head, refused.status, str(refused))
        finally:
            self._under_way.bytes -= len(body)

    async def _read(self, request: Request, body: bytearray) -> None:
        """Receive into `body`, which is counted as under way as it grows."""
        if int(_digits(request.headers.get("content-length", "0"))) > DELIVERY_MAX_BYTES:
            raise Refused(
                413, f"the delivery is larger than {DELIVERY_MAX_BYTES} bytes: send smaller batches"
            )
        async for chunk in request.stream():
            if len(body) + len(chunk) > DELIVERY_MAX_BYTES:
                raise Refused(
                    413, f"the delivery is larger than {DELIVERY_MAX_BYTES} bytes: send smaller batches"
                )
            if self._under_way.bytes + len(chunk) > UNDER_WAY_MAX_BYTES:
                raise Refused(429, "too much is being delivered at once")
            body += chunk
            self._under_way.bytes += len(chunk)


def place(listen: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:4318`, `[::1]:4318` or `localhost:4318`. Raises Permanent."""
    host, _, port = listen.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        ip_address(host)
        number = int(_digits(port))
    except ValueError:
        number = 0
    if not 0 < number < 2**16:
        raise Permanent(f"{listen[:80]!r} is no address to listen at: expected one like 127.0.0.1:4318")
    return host, number


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) <= 18 else "0"  # noqa: PLR2004 - fits 64 bits


def _bound(listen: str, host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)  # from now on, whoever connects waits for the server to start
    except OSError as error:
        bound.close()
        raise Temporary(
            f"cannot listen at {listen}: {error.strerror} (a collector, or another Headgate? see `listen`)"
        ) from None
    return bound


def _unpacker(encoding: str) -> Callable[[bytearray], bytes]:
    """What undoes a content-encoding. Raises Refused for one that is not known."""
    match encoding.strip().lower():
        case "gzip" | "x-gzip":
            return _gunzip
        case "identity" | "":
            return bytes
        case _:
            raise Refused(415, "the content-encoding must be gzip or none")


def _gunzip(packed: bytearray) -> bytes:
    """Every member of a gzip file, up to DELIVERY_MAX_BYTES. Raises Refused."""
    unpacked, left = bytearray(), bytes(packed)
    for _ in range(MEMBERS_MAX):
        member = zlib.decompressobj(_GZIP)
        try:
            unpacked += member.decompress(left, DELIVERY_MAX_BYTES + 1 - len(unpacked))
        except zlib.error:
            raise Refused(400, "the delivery says that it is gzip, and is not") from None
        if len(unpacked) > DELIVERY_MAX_BYTES:
            raise Refused(
                413, f"the delivery is larger than {DELIVERY_MAX_BYTES} bytes, unpacked: send smaller batches"
            )
        if not member.eof:
            raise Refused(400, "the delivery says that it is gzip, and breaks off")
        left = member.unused_data
        if not left:
            return bytes(unpacked)
    raise Refused(400, f"the delivery is made of more than {MEMBERS_MAX} gzip files")


def _response(reply: Reply) -> Response:
    headers = {"content-type": reply.content_type, **reply.headers}
    if reply.status in (429, 503):
        headers.setdefault("retry-after", str(RETRY_AFTER_S))
    return Response(reply.body, reply.status, headers)
