"""Datadog speaks as its API reference says: "Query timeseries data across multiple products"."""

import json
from collections.abc import Sequence
from typing import Any

from headgate.core.model.window import Window
from headgate.ports.web import Request
from headgate.testing.vendor import VendorContract
from headgate.testing.vendor_stage import Asked, Points
from tests.plugins.signals.vendors.house import RealWeb, present


def query(word: str) -> str:
    return f"sum:shop.{word}{{service:{{service}},version:{{version}}}}.as_count()"


class TestDatadog(RealWeb, VendorContract):
    plugin = "datadog"

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": origin,
            "api_key": self.key(),
            "application_key": self.other(),
            "requests": query("hits"),
            "errors": query("fails"),
            "latency": {"100ms": query("quick")},
            "means": {"paid": {"good": query("paid"), "total": query("carts")}},
        }

    def asked(self, request: Request) -> Asked:
        assert (request.method, request.url.partition("/api")[2]) == ("POST", "/v2/query/timeseries")
        assert request.headers["content-type"] == "application/json"
        assert [request.headers[f"dd-{key}-key"] for key in ("api", "application")] == [
            *self.secrets.values()
        ]
        data = json.loads(request.body)["data"]
        assert data["type"] == "timeseries_request"
        asked = data["attributes"]
        assert asked["interval"] == 1000 * self.resolution_s
        assert [one["formula"] for one in asked["formulas"]] == [one["name"] for one in asked["queries"]]
        assert all(one["data_source"] == "metrics" for one in asked["queries"])
        queries = tuple(one["query"] for one in asked["queries"])
        assert all("service:web" in one for one in queries)
        return Asked(queries, Window(asked["from"] // 1000, asked["to"] // 1000))

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body(present(found))

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([*present(found), *present(found)])

    def _body(self, series: list[tuple[int, Points]]) -> bytes:
        times = [1000 * at for at, _ in series[0][1]] if series else []
        attributes = {
            "series": [{"group_tags": [], "query_index": n, "unit": None} for n, _ in series],
            "times": times,
            "values": [[count for _, count in points] for _, points in series],
        }
        return json.dumps({"data": {"type": "timeseries_response", "attributes": attributes}}).encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        ragged = {"series": [{"query_index": 0}], "times": [1, 2], "values": [[1]]}
        return [
            json.dumps({"errors": [text]}).encode(),
            json.dumps(
                {"errors": text, "data": {"attributes": {"series": [], "times": [], "values": []}}}
            ).encode(),
            json.dumps({"data": {"attributes": ragged}}).encode(),
        ]
