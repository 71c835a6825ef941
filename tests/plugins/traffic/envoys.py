"""A real Envoy for a test: its process, its services and a client, all on ports of their own."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from headgate.core.machine.events import EffectId
from headgate.core.model import Listener, ProxyRules, Unit, Version
from headgate.plugins.traffic.envoy import EnvoyTraffic, Options
from headgate.ports.errors import Permanent
from headgate.ports.processes import ProcessStatus, Program

UNIT = Unit("shop", "production", "web")


def version(letter: str, unit: Unit = UNIT) -> Version:
    return Version(unit, letter * 64, "0" * 64)


def effect(sequence: int, release: str = "r1", n: int = 0) -> EffectId:
    return EffectId(release, sequence, n)


_handed_out: set[int] = set()


def free_port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _handed_out:
            _handed_out.add(port)
            return port


class Supervisor:
    """A Processes double that really starts programs, and starts them again when they die."""

    def __init__(self) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._programs: dict[str, Program] = {}
        self._watch: asyncio.Task[None] | None = None
        self.paused = False

    async def ensure(self, programs: Sequence[Program]) -> None:
        for program in programs:
            if program.name not in self.running:
                self._programs[program.name] = program
                self._start(program)
            elif self._programs[program.name] != program:
                self._programs[program.name] = program
                self.running[program.name].kill()
        self._watch = self._watch or asyncio.create_task(self._restart())

    async def remove(self, names: Sequence[str]) -> None:
        for name in names:
            self._programs.pop(name, None)
            process = self.running.pop(name, None)
            if process is not None:
                process.terminate()
                await asyncio.to_thread(process.wait)

    async def restart(self, name: str) -> None:
        if name not in self.running:
            raise Permanent(name)
        self.running[name].kill()

    async def list(self, prefix: str = "") -> tuple[ProcessStatus, ...]:
        return tuple(
            ProcessStatus(name, "running", process.pid)
            for name, process in sorted(self.running.items())
            if name.startswith(prefix)
        )

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        await self.remove(list(self.running))

    def _start(self, program: Program) -> None:
        with Path(program.log).open("ab") as log:
            self.running[program.name] = subprocess.Popen(
                program.argv, cwd=program.directory, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    async def _restart(self) -> None:
        while True:
            for name, process in list(self.running.items()):
                if process.poll() is not None and not self.paused:
                    self._start(self._programs[name])
            await asyncio.sleep(0.02)


Answer = tuple[int, dict[str, str], bytes]


class Service:
    """One instance of a version: answers its name; the path says how."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests = 0
        self.heads: list[str] = []
        self.address = ""
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self) -> "Service":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512, limit=1 << 20)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._clients):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while await self._answer(reader, writer):
                await writer.drain()
        self._clients.discard(writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if head.startswith("PRI "):  # asked whether it speaks HTTP/2: as every server of HTTP/1.1
            writer.write(b"HTTP/1.1 505 HTTP Version Not Supported\r\ncontent-length: 0\r\n\r\n")
            return False
        self.requests += 1
        self.heads.append(head)
        path = head.split()[1]
        kind, _, argument = path.strip("/").partition("/")
        if kind == "reset":
            writer.transport.abort()
            return False
        if kind == "truncate":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart")
            await writer.drain()
            return False
        if kind == "garbage":
            writer.write(b"this is not HTTP\r\n\r\n")
            return True
        if kind == "upgrade":
            protocol = argument or "websocket"
            writer.write(f"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n".encode())
            writer.write(await reader.readexactly(4))
            return True
        if kind == "events":  # one, silence, another one
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
            await writer.drain()
            await asyncio.sleep(float(argument))
            writer.write(b"data: 2\n\n")
            return False
        if kind == "upload":
            size = await _body_size(head, reader)
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(str(size))}\r\n\r\n{size}".encode())
            return True
        if kind == "slow":
            await asyncio.sleep(float(argument))
        extra = "".join(f"x-{n}: {'v' * 500}\r\n" for n in range(110)) if kind == "large" else ""
        status = argument if kind == "status" else "200"
        body = head.encode() if kind == "head" else self.name.encode()
        writer.write(f"HTTP/1.1 {status} X\r\n{extra}content-length: {len(body)}\r\n\r\n".encode() + body)
        return True


async def _body_size(head: str, reader: asyncio.StreamReader) -> int:
    size = 0
    if "transfer-encoding: chunked" in head:
        while chunk := int(await reader.readline(), 16):
            size += len(await reader.readexactly(chunk + 2)) - 2
        await reader.readline()
        return size
    left = int(head.partition("content-length: ")[2].split("\r\n")[0])
    while size < left:
        size += len(await reader.read(65536))
    return size


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        writer.write(f"GET {path} HTTP/1.1\r\nhost: shop.test\r\n{lines}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        found = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(found.get("content-length", 0)))
        if found.get("connection") == "close":
            self.close()
        return int(head[0].split()[1]), found, body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def get(port: int, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
    client = Client(port)
    try:
        return await client.get(path, headers)
    finally:
        client.close()


class Instance(Protocol):
    """An instance of another kind, which a version has instead of services."""

    address: str

    async def close(self) -> None: ...


class World:
    """One home with an Envoy, and services behind it."""

    def __init__(self, home: Path, options: Options | None = None) -> None:
        self.home = home
        self.options = options
        self.supervisor = Supervisor()
        self.services: dict[Version, list[Service]] = {}
        self.others: dict[Version, Instance] = {}
        self.rules: dict[Version, ProxyRules] = {}
        self.hidden: set[str] = set()
        self.traffic = self.open()

    def open(self) -> EnvoyTraffic:
        """The port as another process would make it."""
        return EnvoyTraffic(self.home, self.supervisor, self.addresses, self.options, self.rules_of)

    def rules_of(self, which: Version) -> ProxyRules:
        """What a version declares of its instances."""
        if which not in self.rules:
            raise Permanent(f"{which} is not stored")
        return self.rules[which]

    def addresses(self, which: Version) -> list[str]:
        found = [service.address for service in self.services.get(which, ())]
        if which in self.others:
            found = [self.others[which].address]
        return [address for address in found if address not in self.hidden]

    async def serve(self, *versions: Version) -> None:
        for which in versions:
            service = await Service(which.artifact[0]).start()
            self.services.setdefault(which, []).append(service)

    async def withdraw(self, which: Version) -> None:
        for service in self.services.pop(which, []):
            await service.close()

    @property
    def pid(self) -> int:
        return self.supervisor.running["envoy"].pid

    async def kill(self) -> None:
        """SIGKILL Envoy and wait until another one serves."""
        old = self.pid
        os.kill(old, signal.SIGKILL)
        await until(lambda: self.pid != old)
        while not await self.traffic.admin.ready():  # noqa: ASYNC110 - a process, not an event
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        for which in list(self.services):
            await self.withdraw(which)
        for other in self.others.values():
            await other.close()
        await self.supervisor.close()


@contextlib.asynccontextmanager
async def world(options: Options | None = None) -> AsyncGenerator[World]:
    with tempfile.TemporaryDirectory(prefix="headgate-test-", ignore_cleanup_errors=True) as folder:
        made = World(Path(folder), options)
        try:
            yield made
        finally:
            await made.close()


async def until(true: Callable[[], bool], within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.005)


def listener(*, preview: bool = False, host: str = "127.0.0.1", rules: ProxyRules | None = None) -> Listener:
    preview_port = free_port() if preview else None
    return Listener(free_port(), host, preview_port, proxy=rules or ProxyRules())
