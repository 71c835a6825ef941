"""A real InfluxDB 1.x (Debian's package): counts of what was written, each once; its own words for what is wrong."""

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from headgate.core.model import Arm, Unit, Version
from headgate.ports.errors import PortError
from headgate.ports.registry import create
from headgate.ports.web import Web
from headgate.ports.wires import Wires
from tests.plugins.signals.vendors.house import RealWeb
from tests.servers import Server, free_port, program

PASSWORD = "pl4nted-real-3e1"
LOGIN = {"authorization": "Basic " + base64.b64encode(f"headgate:{PASSWORD}".encode()).decode()}
T0 = 1_700_000_000
STABLE, CANARY = (Version(Unit("shop", "production", "web"), digit * 64, digit * 64) for digit in "ab")

CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = true
[monitor]
  store-enabled = false
"""


class Influx:
    """The server, and what a service writes into it."""

    def __init__(self, server: Server) -> None:
        self.origin = server.origin

    def say(self, query: str, headers: Mapping[str, str] = LOGIN) -> None:
        self._post(f"/query?{urlencode({'q': query})}", b"", headers)

    def write(self, *lines: str) -> None:
        self._post("/write?db=metrics&precision=s", "\n".join(lines).encode(), LOGIN)

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            request = Request(f"{self.origin}{path}", body, dict(headers))  # noqa: S310 - ours, on the loopback
            with urlopen(request, timeout=30) as answer:  # noqa: S310
                assert b'"error"' not in answer.read()
        except HTTPError as error:
            raise AssertionError(error.read()) from error


def started(folder: Path) -> Server:
    binary, port = program("influxdb", "influxd"), free_port()
    folder.mkdir(exist_ok=True)
    (folder / "influxdb.conf").write_text(CONFIG.format(folder=folder, port=port, rpc=free_port()))
    argv = (str(binary), "run", "-config", str(folder / "influxdb.conf"))
    server = Server(folder, argv, f"http://127.0.0.1:{port}", "/debug/vars")
    server.start()
    return server


def query(field: str, where: str = "") -> str:
    return f"""SELECT sum("{field}") FROM "shop" WHERE "version" = '{{version}}' {where} AND {{time}}"""  # noqa: S608


def wires(origin: str, web: Web, clock: list[float], **more: object) -> Wires:
    settings = {
        "url": origin,
        "api": "v1",
        "database": "metrics",
        "user": "headgate",
        "password": {"kind": "env", "name": "HEADGATE_TEST_INFLUX"},
        "requests": query("n"),
        "errors": query("n", "AND status = '500'"),
        "latency": {"100ms": query("n", "AND bound = '100'")},
        "every_s": 10,
        "delay_s": 10.0,
        "timeout_s": 30.0,
        **more,
    }
    nothing: Any = None
    return Wires(
        Path(),
        nothing,
        nothing,
        addresses=lambda _: (),
        name="influxdb",
        settings=settings,
        web=web,
        now=lambda: clock[0],
    )


def line(version: Version, n: int, at: int, status: int = 200, bound: str = "1000") -> str:
    return f"shop,version={version.key},status={status},bound={bound} n={n}i {at}"


@pytest.mark.timeout(180)
def test_the_real_influxdb_is_counted_and_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_TEST_INFLUX", PASSWORD)
    server = started(tmp_path / "influx")
    try:
        influx = Influx(server)
        influx.say(f"CREATE USER headgate WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES", {})
        influx.say("CREATE DATABASE metrics")
        asyncio.run(_counts(influx))
        asyncio.run(_complains(influx, monkeypatch))
    finally:
        server.stop()


async def _counts(influx: Influx) -> None:
    clock = [float(T0)]
    async with RealWeb().web() as web:
        signals = create("signals", "influxdb", wires(influx.origin, web, clock))
        assert await signals.read(CANARY) == Arm()
        influx.write(
            line(CANARY, 9, T0 - 11),  # before the first window
            line(CANARY, 7, T0 - 10, bound="100"),
            line(CANARY, 2, T0 - 1, status=500),
            line(STABLE, 1000, T0 - 5, status=500),
            line(CANARY, 5, T0, bound="100"),  # in the second one
        )
        clock[0] += 10
        first = await signals.read(CANARY)
        assert (first.requests, first.errors, first.latency_ms.count) == (9, 2, (7,))
        clock[0] += 10
        second = await signals.read(CANARY)
        assert (second.requests, second.errors, second.latency_ms.count) == (14, 2, (12,))
        clock[0] += 10
        with pytest.raises(PortError, match="no traffic, or the query"):
            await signals.read(CANARY)
        looks = await signals.inspect(CANARY)
        assert looks[0].answer.startswith("23 between ")


async def _complains(influx: Influx, monkeypatch: pytest.MonkeyPatch) -> None:
    async with RealWeb().web() as web:
        for more, why in (
            ({"requests": "SELEKT {time}"}, "400"),
            ({"database": "nowhere"}, "InfluxDB says: database not found: nowhere"),
            ({"requests": 'SELECT n, bound FROM "shop" WHERE {time}'}, "must be one number"),
        ):
            clock = [float(T0 + 10)]
            signals = create("signals", "influxdb", wires(influx.origin, web, clock, **more))
            with pytest.raises(PortError, match=why):
                await signals.read(CANARY)
        monkeypatch.setenv("HEADGATE_TEST_INFLUX", "wrong-secret")
        signals = create("signals", "influxdb", wires(influx.origin, web, [float(T0)]))
        with pytest.raises(PortError, match="401") as raised:
            await signals.read(CANARY)
        assert "wrong-secret" not in str(raised.value)
