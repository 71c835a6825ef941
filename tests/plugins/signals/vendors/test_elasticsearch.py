"""Elasticsearch and OpenSearch speak as their documentation says: "Search API", "Filters aggregation"."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from headgate.core.model.window import Window
from headgate.ports.web import Request
from headgate.testing.vendor_logs import LogContract
from headgate.testing.vendor_stage import Asked, Points
from tests.plugins.signals.vendors.house import RealWeb, whole

SHARDS = {"total": 3, "successful": 3, "skipped": 0, "failed": 0}


def query(word: str) -> str:
    return f"event:{word} AND service.version:{{version}}"


class TestElasticsearch(RealWeb, LogContract):
    plugin = "elasticsearch"
    zeros, timed, nulls = True, False, False

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": origin,
            "index": "logs-shop-*",
            "api_key": self.key(),
            "requests": query("hits"),
            "errors": query("fails"),
            "latency": {"100ms": query("quick")},
            "means": {"paid": {"good": query("paid"), "total": query("carts")}},
            "error_lines": query("crashes"),
        }

    def asked(self, request: Request) -> Asked:
        assert (request.method, urlsplit(request.url).path) == ("POST", "/logs-shop-*/_search")
        assert request.headers["authorization"] == f"ApiKey {self.secrets['HEADGATE_TEST_KEY']}"
        body = json.loads(request.body)
        if body["size"]:
            span, query_string = body["query"]["bool"]["filter"]
            self.names: list[str] = []
            return Asked((query_string["query_string"]["query"],), self._window(span), body["size"])
        filters = body["aggs"]["counts"]["filters"]["filters"]
        self.names = list(filters)
        queries = tuple(one["query_string"]["query"] for one in filters.values())
        return Asked(queries, self._window(body["query"]))

    def _window(self, span: dict[str, Any]) -> Window:
        times = span["range"]["@timestamp"]
        assert times["format"] == "epoch_millis"
        return Window(times["gte"] // 1000, times["lt"] // 1000)

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        buckets = {name: {"doc_count": whole(points)} for name, points in zip(self.names, found, strict=True)}
        return self._body(buckets)

    def said(self, asked: Asked, texts: Sequence[str], total: int) -> bytes:
        hits = [{"_index": "logs-shop-1", "_source": {"message": text}} for text in texts]
        found = {"total": {"value": total, "relation": "eq"}, "max_score": None, "hits": hits}
        return json.dumps({"took": 1, "timed_out": False, "_shards": SHARDS, "hits": found}).encode()

    def _body(self, buckets: Mapping[str, object], **more: object) -> bytes:
        answer = {
            "took": 2,
            "timed_out": False,
            "_shards": SHARDS,
            "hits": {"max_score": None, "hits": []},
            "aggregations": {"counts": {"buckets": buckets}},
        }
        return json.dumps({**answer, **more}).encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        failures = [{"shard": 0, "reason": {"reason": text}}]
        return [
            self._body({}, timed_out=True),
            self._body({}, _shards={**SHARDS, "failed": 1, "failures": failures}),
            self._body({}, _shards={**SHARDS, "total": 0}),
            self._body({text: {"doc_count": 1}}),
        ]
