"""InfluxDB speaks as the documentation of its three APIs says; v1 also for real, where Debian's package is there."""

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headgate.core.model.window import Window
from headgate.plugins.vendors.influxdb import Settings
from headgate.ports.web import Request
from headgate.testing.vendor import VendorContract
from headgate.testing.vendor_stage import Asked, Points
from tests.plugins.signals.vendors.house import RealWeb, total

QL = re.compile(r"time >= (\d+)s AND time < (\d+)s")
FLUX = re.compile(r"range\(start: (\d+), stop: (\d+)\)")
SQL = re.compile(r"time >= '([^']+)' AND time < '([^']+)'")


def settings(query: str, **more: object) -> dict[str, Any]:
    asked = {word: query.replace("WORD", word) for word in ("hits", "fails", "quick", "paid", "carts")}
    return {
        "requests": asked["hits"],
        "errors": asked["fails"],
        "latency": {"100ms": asked["quick"]},
        "means": {"paid": {"good": asked["paid"], "total": asked["carts"]}},
        **more,
    }


def window(pattern: re.Pattern[str], query: str) -> Window:
    found = pattern.search(query)
    assert found is not None
    start, end = found.groups()
    return Window(int(start), int(end))


class TestInfluxQl(RealWeb, VendorContract):
    plugin = "influxdb"

    def settings(self, origin: str) -> dict[str, Any]:
        query = """SELECT sum("WORD") FROM "shop" WHERE "version" = '{version}' AND {time}"""
        login = {"user": "headgate", "password": self.key()}
        return settings(query, url=origin, api="v1", database="metrics", **login)

    def asked(self, request: Request) -> Asked:
        parts = urlsplit(request.url)
        assert (request.method, parts.path) == ("GET", "/query")
        assert request.headers["authorization"].startswith("Basic ")
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (params["db"], params["epoch"]) == ("metrics", "s")
        return Asked((params["q"],), window(QL, params["q"]))

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([self._series(asked, points) for points in found])

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([self._series(asked, points) * 2 for points in found])

    def _series(self, asked: Asked, points: Points | None) -> list[dict[str, object]]:
        """An aggregate stands at the beginning of its time."""
        row = [asked.window.start, total(points)]
        return [] if points is None else [{"name": "shop", "columns": ["time", "sum"], "values": [row]}]

    def _body(self, found: list[list[dict[str, object]]]) -> bytes:
        results = [
            {"statement_id": n, "series": series} if series else {"statement_id": n}
            for n, series in enumerate(found)
        ]
        return json.dumps({"results": results}).encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        return [
            json.dumps({"error": text}).encode(),
            json.dumps({"results": [{"statement_id": 0, "error": text}]}).encode(),
            json.dumps({"results": [{"statement_id": 0, "partial": True}]}).encode(),
            json.dumps({"results": [{"statement_id": n} for n in range(2)]}).encode(),
        ]


class TestFlux(RealWeb, VendorContract):
    plugin = "influxdb"
    timed = False

    def settings(self, origin: str) -> dict[str, Any]:
        selected = 'filter(fn: (r) => r.is == "WORD" and r.version == "{version}")'
        query = f'from(bucket: "shop") |> {{time}} |> {selected} |> sum()'
        return settings(query, url=origin, api="v2", organization="our shop", token=self.key())

    def asked(self, request: Request) -> Asked:
        parts = urlsplit(request.url)
        assert (request.method, parts.path, parts.query) == ("POST", "/api/v2/query", "org=our%20shop")
        assert request.headers["authorization"] == f"Token {self.secrets['HEADGATE_TEST_KEY']}"
        assert request.headers["content-type"] == "application/vnd.flux"
        script = request.body.decode()
        return Asked((script,), window(FLUX, script))

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._csv([total(points) for points in found if points is not None])

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._csv([1.0, 2.0])

    def _csv(self, values: Sequence[float | None]) -> bytes:
        if not values:
            return b"\r\n"
        table = [["", "result", "table", "_value"]]
        table += [["", "_result", "0", "" if value is None else str(value)] for value in values]
        return self._table(["#datatype", "string", "long", "double"], table)

    def _table(self, annotation: list[str], table: list[list[str]]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows([annotation, *table, []])
        return text.getvalue().encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        return [
            self._table(["#datatype", "string", "long"], [["", "error", "reference"], ["", text, "897"]]),
            self._table(["#datatype", "string"], [["", "result"], ["", "_result"]]),
        ]


class TestSql(RealWeb, VendorContract):
    plugin = "influxdb"
    timed = False

    def settings(self, origin: str) -> dict[str, Any]:
        query = "SELECT sum(WORD) FROM shop WHERE version = '{version}' AND {time}"
        return settings(query, url=origin, api="v3", database="metrics", token=self.key())

    def asked(self, request: Request) -> Asked:
        assert (request.method, urlsplit(request.url).path) == ("POST", "/api/v3/query_sql")
        assert request.headers["authorization"] == f"Bearer {self.secrets['HEADGATE_TEST_KEY']}"
        body = json.loads(request.body)
        assert (body["db"], body["format"]) == ("metrics", "json")
        found = SQL.search(body["q"])
        assert found is not None
        start, end = (int(datetime.fromisoformat(one).timestamp()) for one in found.groups())
        return Asked((body["q"],), Window(start, end))

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return json.dumps([{"sum": None if points is None else total(points)} for points in found]).encode()

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return b'[{"sum": 1}, {"sum": 2}]'

    def complaints(self, text: str) -> Sequence[bytes]:
        return [json.dumps({"error": text}).encode(), b'[{"sum": 1, "count": 2}]']


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"requests": "SELECT 1"}, r"write \{time\}"),
        ({"api": "v1", "database": "d", "requests": "SELECT 1; DROP {time}"}, "one statement"),
        ({"api": "v3", "requests": "{time}"}, "name the"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Settings(url="http://influx.example", **more)
