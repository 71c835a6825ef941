"""Graylog speaks as its REST API does: "Search/Views", POST /api/views/search/sync."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from headgate.core.model.window import Window
from headgate.plugins.vendors.graylog import Settings
from headgate.ports.web import Request
from headgate.testing.vendor_logs import LogContract
from headgate.testing.vendor_stage import Asked, Points
from tests.plugins.signals.vendors.house import RealWeb, whole

DONE = {"done": True, "cancelled": False, "completed_exceptionally": False}


def query(word: str) -> str:
    return f"event:{word} AND version:{{version}}"


class TestGraylog(RealWeb, LogContract):
    plugin = "graylog"
    zeros, timed, nulls = True, False, False

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": origin,
            "token": self.key(),
            "streams": ["5f1"],
            "requests": query("hits"),
            "errors": query("fails"),
            "latency": {"100ms": query("quick")},
            "means": {"paid": {"good": query("paid"), "total": query("carts")}},
            "error_lines": query("crashes"),
        }

    def asked(self, request: Request) -> Asked:
        assert (request.method, urlsplit(request.url).path) == ("POST", "/api/views/search/sync")
        pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        assert pair == f"{self.secrets['HEADGATE_TEST_KEY']}:token"
        assert request.headers["x-requested-by"]
        queries = json.loads(request.body)["queries"]
        assert all(one["filter"]["filters"] == [{"type": "stream", "id": "5f1"}] for one in queries)
        assert all(one["search_types"][0]["type"] == "messages" for one in queries)
        span = queries[0]["timerange"]
        assert span["type"] == "absolute"
        start, end = (int(datetime.fromisoformat(span[name]).timestamp()) for name in ("from", "to"))
        most = queries[0]["search_types"][0]["limit"]
        texts = tuple(one["query"]["query_string"] for one in queries)
        return Asked(texts, Window(start, end), most if most > 1 else 0)

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([self._found(whole(points), ["one of them"]) for points in found])

    def said(self, asked: Asked, texts: Sequence[str], total: int) -> bytes:
        return self._body([self._found(total, texts)])

    def _found(self, total: int, texts: Sequence[str]) -> dict[str, object]:
        messages = [{"index": "graylog_0", "message": {"message": text, "source": "web"}} for text in texts]
        return {"id": "lines", "type": "messages", "total_results": total, "messages": messages}

    def _body(self, found: list[dict[str, object]], **more: object) -> bytes:
        results = {
            f"q{n}": {"search_types": {"lines": one}, "errors": [], "state": "COMPLETED"}
            for n, one in enumerate(found)
        }
        return json.dumps({"id": "1", "execution": DONE, "results": results, "errors": [], **more}).encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        error = {"type": "query", "query_id": "q0", "description": text}
        return [
            self._body([], errors=[error]),
            self._body([], execution={**DONE, "done": False}),
            self._body([], execution={**DONE, "cancelled": True}),
            self._body([], results={"q0": {"search_types": {}, "errors": [error]}}),
            self._body([]),
        ]


def test_somebody_must_ask() -> None:
    with pytest.raises(ValueError, match="say `token`"):
        Settings(url="http://graylog.example", requests="*")
