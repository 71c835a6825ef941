"""Dynatrace speaks as its documentation says: "Metrics API - GET metric data points"."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from headgate.core.model.window import Window
from headgate.ports.web import Request
from headgate.testing.vendor import VendorContract
from headgate.testing.vendor_stage import Asked, Points
from tests.plugins.signals.vendors.house import RealWeb, total


def query(word: str) -> str:
    return f'shop.{word}:filter(eq("version","{{version}}")):splitBy():sum'


class TestDynatrace(RealWeb, VendorContract):
    plugin = "dynatrace"

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": origin,
            "token": self.key(),
            "requests": query("hits"),
            "errors": query("fails"),
            "latency": {"100ms": query("quick")},
            "means": {"paid": {"good": query("paid"), "total": query("carts")}},
        }

    def asked(self, request: Request) -> Asked:
        parts = urlsplit(request.url)
        assert (request.method, parts.path) == ("GET", "/api/v2/metrics/query")
        assert request.headers["authorization"] == f"Api-Token {self.secrets['HEADGATE_TEST_KEY']}"
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert params["resolution"] == "Inf"
        window = Window(int(params["from"]) // 1000, int(params["to"]) // 1000)
        return Asked((params["metricSelector"],), window)

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([self._series(asked, points) for points in found if points is not None])

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([self._series(asked, points) for points in found if points is not None] * 2)

    def _series(self, asked: Asked, points: Points) -> dict[str, object]:
        """One point for the whole time, at its end."""
        at = [asked.window.end * 1000]
        return {"dimensions": [], "dimensionMap": {}, "timestamps": at, "values": [total(points)]}

    def _body(self, series: list[dict[str, object]], **more: object) -> bytes:
        result = [{"metricId": "x", "dataPointCountRatio": 0.1, "dimensionCountRatio": 0.1, "data": series}]
        return json.dumps(
            {"totalCount": len(series), "nextPageKey": None, "resolution": "Inf", "result": result, **more}
        ).encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        warned = {"metricId": "x", "data": [], "warnings": [text]}
        return [
            self._body([], warnings=[text]),
            json.dumps({"totalCount": 0, "nextPageKey": None, "result": [warned]}).encode(),
            self._body([], nextPageKey="more"),
            self._body([{"timestamps": [1], "values": []}]),
        ]
