"""HTTP/2 without TLS, as little of it as a gRPC server and a gRPC client need (RFC 9113, RFC 7541)."""

import asyncio
import contextlib
from collections.abc import Sequence

Headers = dict[str, str]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MESSAGE = b"\0\0\0\0\0"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20

_PLAIN = (
    "accept-language", "accept-ranges", "accept", "access-control-allow-origin", "age", "allow", "authorization",
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-length",
    "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from",
    "host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified",
    "link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer",
    "refresh", "retry-after", "server", "set-cookie", "strict-transport-security", "transfer-encoding",
    "user-agent", "vary", "via", "www-authenticate",
)  # fmt: skip
_STATIC: tuple[tuple[str, str], ...] = (
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    *((name, "") for name in _PLAIN),
)  # fmt: skip

_HUFFMAN = {
    5: "012aceiost",
    6: " %-./3456789=A_bdfghlmnpru",
    7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: "&*,;XZ",
    10: '!"()?',
    11: "'+|",
    12: "#>",
    13: "\0$@[]~",
    14: "^}",
    15: "<`{",
}
"""What a header of a test may hold, by the length of its code; codes of one length follow one another."""


def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    code, before = 0, 5
    for length, characters in _HUFFMAN.items():
        code <<= length - before
        for character in characters:
            codes[f"{code:0{length}b}"] = character
            code += 1
        before = length
    return codes


_CODES = _codes()


def _unpacked(data: bytes) -> str:
    text, code = "", ""
    for bit in "".join(f"{byte:08b}" for byte in data):
        code += bit
        if code in _CODES:
            text, code = text + _CODES[code], ""
    assert set(code) <= {"1"}, "the rest is padding"
    return text


class Decoder:
    """Header blocks of one direction of a connection."""

    def __init__(self) -> None:
        self._table: list[tuple[str, str]] = []

    def decode(self, block: bytes) -> Headers:
        self._block, self._at = block, 0
        found: Headers = {}
        while self._at < len(block):
            first = block[self._at]
            if first & 0x80:
                name, value = self._entry(self._number(7))
            elif first & 0xE0 == 0x20:
                self._number(5)  # a new size of the table, which a test never fills
                continue
            else:
                kept = bool(first & 0x40)
                index = self._number(6 if kept else 4)
                name = self._entry(index)[0] if index else self._text()
                value = self._text()
                if kept:
                    self._table.insert(0, (name, value))
            found[name] = value
        return found

    def _entry(self, index: int) -> tuple[str, str]:
        return _STATIC[index - 1] if index <= len(_STATIC) else self._table[index - len(_STATIC) - 1]

    def _number(self, bits: int) -> int:
        most = (1 << bits) - 1
        number = self._block[self._at] & most
        self._at += 1
        shift = 0
        while number >= most:
            byte = self._block[self._at]
            self._at += 1
            number += (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        return number

    def _text(self) -> str:
        packed = bool(self._block[self._at] & 0x80)
        length = self._number(7)
        data = self._block[self._at : self._at + length]
        self._at += length
        return _unpacked(data) if packed else data.decode("latin-1")


def encode(headers: Headers) -> bytes:
    return b"".join(b"\0" + _written(name) + _written(value) for name, value in headers.items())


def _written(text: str) -> bytes:
    assert len(text) < 127
    return bytes((len(text),)) + text.encode("latin-1")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


class Stream:
    """What the other side has sent: `heads` are its header blocks, in order (head and trailers)."""

    def __init__(self) -> None:
        self.heads: list[Headers] = []
        self.data = b""
        self.ended = False
        self.reset = False
        self.changed = asyncio.Event()

    async def until(
        self, *, heads: int = 0, data: int = 0, ended: bool = False, within_s: float = 10
    ) -> None:
        async with asyncio.timeout(within_s):
            while not self.reset and (
                len(self.heads) < heads or len(self.data) < data or (ended and not self.ended)
            ):
                self.changed.clear()
                await self.changed.wait()


class Connection:
    """One connection, of either side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.streams: dict[int, Stream] = {}
        self.opened: asyncio.Queue[int] = asyncio.Queue()
        self._decoder = Decoder()

    def send(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        self.writer.write(frame(kind, flags, stream, payload))

    async def read(self) -> None:
        """Take in what comes, until nothing does."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await self.reader.readexactly(9)
                payload = await self.reader.readexactly(int.from_bytes(head[:3]))
                self._take(head[3], head[4], int.from_bytes(head[5:9]), payload)
        for stream in self.streams.values():
            stream.reset = stream.reset or not stream.ended
            stream.changed.set()

    def _take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.send(kind, ACK, 0, payload if kind == PING else b"")
        if kind not in (DATA, HEADERS, RESET):
            return
        if number not in self.streams:
            self.streams[number] = Stream()
            self.opened.put_nowait(number)
        stream = self.streams[number]
        if flags & PADDED and kind != RESET:
            payload = payload[1 : len(payload) - payload[0]]
        if kind == HEADERS:
            assert flags & END_HEADERS, "a test's headers fit into one frame"
            stream.heads.append(self._decoder.decode(payload[5:] if flags & PRIORITY else payload))
        elif kind == DATA:
            stream.data += payload
        else:
            stream.reset = True
        stream.ended = stream.ended or (kind != RESET and bool(flags & END_STREAM))
        stream.changed.set()


class GrpcService:
    """A gRPC server: HTTP/2 by prior knowledge, and nothing else; with `http1`, that as well.

    `Status13` and `Only13` end with 13, `Echo`, `Die` and `Hang` do what they are called; every other call ends with
    `status`.
    """

    def __init__(self, *, http1: bool = False, port: int = 0, status: str = "0") -> None:
        self.address = ""
        self._port = port
        self._status = status
        self.calls: list[Headers] = []
        self._http1 = http1
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> "GrpcService":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            begins = await reader.readexactly(4)
            if begins == PREFACE[:4]:
                await reader.readexactly(len(PREFACE) - 4)
                connection = Connection(reader, writer)
                connection.send(SETTINGS, 0, 0)
                calls = asyncio.create_task(self._calls(connection))
                self._tasks.add(calls)
                await connection.read()
                calls.cancel()
            elif self._http1:
                rest = await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhttp1")
                await writer.drain()
                assert rest
        writer.close()

    async def _calls(self, connection: Connection) -> None:
        while True:
            number = await connection.opened.get()
            task = asyncio.create_task(self._call(connection, number))
            self._tasks.add(task)

    async def _call(self, connection: Connection, number: int) -> None:
        stream = connection.streams[number]
        await stream.until(heads=1)
        self.calls.append(stream.heads[0])
        method = stream.heads[0][":path"].rpartition("/")[2]
        head = {":status": "200", "content-type": "application/grpc"}
        if method == "Die":
            connection.writer.transport.abort()
        elif method == "Hang":
            pass
        elif method == "Echo":
            connection.send(HEADERS, END_HEADERS, number, encode(head))
            seen = 0
            while not stream.ended:
                await stream.until(data=seen + 1)
                if stream.reset:
                    return
                connection.send(DATA, 0, number, stream.data[seen:])
                seen = len(stream.data)
            connection.send(HEADERS, END_HEADERS | END_STREAM, number, encode({"grpc-status": "0"}))
        elif method.startswith("Only"):
            status = {**head, "grpc-status": method.removeprefix("Only")}
            connection.send(HEADERS, END_HEADERS | END_STREAM, number, encode(status))
        else:
            await stream.until(ended=True)
            own = method.removeprefix("Status") if method.startswith("Status") else self._status
            status = {"grpc-status": own}
            connection.send(HEADERS, END_HEADERS, number, encode(head))
            connection.send(DATA, 0, number, MESSAGE)
            connection.send(HEADERS, END_HEADERS | END_STREAM, number, encode(status))


class Channel:
    """A gRPC client: one connection, and calls on it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._next = 1
        self._reading = asyncio.create_task(connection.read())

    @classmethod
    async def connected(cls, port: int) -> "Channel":
        connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
        connection.writer.write(PREFACE + frame(SETTINGS, 0, 0))
        return cls(connection)

    def begin(self, method: str, headers: Headers | None = None) -> tuple[int, Stream]:
        number, self._next = self._next, self._next + 2
        head = {
            ":method": "POST", ":scheme": "http", ":path": f"/shop.Cart/{method}", ":authority": "shop.test",
            "content-type": "application/grpc", "te": "trailers", **(headers or {}),
        }  # fmt: skip
        stream = self.connection.streams[number] = Stream()
        self.connection.send(HEADERS, END_HEADERS, number, encode(head))
        return number, stream

    def message(self, number: int, data: bytes = MESSAGE, *, last: bool = False) -> None:
        self.connection.send(DATA, END_STREAM if last else 0, number, data)

    async def call(self, method: str) -> Sequence[Headers]:
        """The head and the trailers of a unary call."""
        number, stream = self.begin(method)
        self.message(number, last=True)
        await stream.until(ended=True)
        return stream.heads

    async def status(self, method: str) -> str:
        return (await self.call(method))[-1].get("grpc-status", "none")

    def close(self) -> None:
        self._reading.cancel()
        self.connection.writer.transport.abort()
