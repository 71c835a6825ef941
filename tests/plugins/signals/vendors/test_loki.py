"""Grafana Loki speaks as its documentation says: "Loki HTTP API".

Only so: Debian has no package of it (its package `loki` is a program for genetics).
"""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headgate.core.model.window import Window
from headgate.plugins.vendors.loki import Settings
from headgate.ports.web import Request
from headgate.testing.vendor_logs import LogContract
from headgate.testing.vendor_stage import Asked, Points
from tests.plugins.signals.vendors.house import RealWeb, total

COUNTED = re.compile(r"sum\(count_over_time\((.*) \[(\d+)s\]\)\)")
NS = 10**9


def query(word: str) -> str:
    return f'{{app="{{service}}", version="{{version}}"}} |= "{word}"'


class TestLoki(RealWeb, LogContract):
    plugin = "loki"
    nulls = False

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": origin,
            "tenant": "shop",
            "token": self.key(),
            "requests": query("hits"),
            "errors": query("fails"),
            "latency": {"100ms": query("quick")},
            "means": {"paid": {"good": query("paid"), "total": query("carts")}},
            "error_lines": query("crashes"),
        }

    def asked(self, request: Request) -> Asked:
        parts = urlsplit(request.url)
        assert request.headers["authorization"] == f"Bearer {self.secrets['HEADGATE_TEST_KEY']}"
        assert request.headers["x-scope-orgid"] == "shop"
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/loki/api/v1/query_range":
            window = Window(int(params["start"]) // NS, int(params["end"]) // NS)
            assert params["direction"] == "backward"
            return Asked((params["query"],), window, int(params["limit"]))
        assert parts.path == "/loki/api/v1/query"
        counted = COUNTED.fullmatch(params["query"])
        assert counted is not None
        end = (int(params["time"]) + 1) // NS
        return Asked((counted[1],), Window(end - int(counted[2]), end))

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._vector(asked, [points for points in found if points is not None])

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._vector(asked, [points for points in found if points is not None] * 2)

    def said(self, asked: Asked, texts: Sequence[str], total: int) -> bytes:
        streams = [
            {"stream": {"app": "web"}, "values": [[str(asked.window.start * NS + n), text]]}
            for n, text in enumerate(texts)
        ]
        return self._body("streams", streams)

    def _vector(self, asked: Asked, series: list[Points]) -> bytes:
        at = asked.window.end - 0.001
        return self._body(
            "vector", [{"metric": {}, "value": [at, f"{total(points):g}"]} for points in series]
        )

    def _body(self, kind: str, result: list[Any], **more: object) -> bytes:
        data = {"resultType": kind, "result": result, "stats": {}}
        return json.dumps({"status": "success", "data": data, **more}).encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        return [
            self._body("vector", [], warnings=[text]),
            json.dumps({"status": "error", "errorType": "timeout", "error": text}).encode(),
            self._body("streams", []),
            self._body("matrix", []),
            self._body("vector", [{"metric": {}, "value": [1, text]}]),
        ]


def test_a_query_selects_lines() -> None:
    with pytest.raises(ValueError, match="select lines"):
        Settings(url="http://loki.example", requests='rate({app="web"}[1m])')
