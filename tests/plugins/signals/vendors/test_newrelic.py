"""New Relic speaks as its documentation says: "NerdGraph tutorial: Query your data using NRQL"."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from headgate.core.model.window import Window
from headgate.plugins.vendors.newrelic.signals import Settings
from headgate.ports.web import Request
from headgate.testing.vendor import VendorContract
from headgate.testing.vendor_stage import Asked, Points
from tests.plugins.signals.vendors.house import RealWeb, total

SPAN = re.compile(r" SINCE (\d+)000 UNTIL (\d+)000$")


def query(word: str) -> str:
    return f"SELECT count(*) FROM Transaction WHERE name = '{word}' AND version = '{{version}}'"  # noqa: S608 - NRQL, and ours


class TestNewRelic(RealWeb, VendorContract):
    plugin = "newrelic"
    zeros = True

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": origin,
            "account": 1234,
            "api_key": self.key(),
            "requests": query("hits"),
            "errors": query("fails"),
            "latency": {"100ms": query("quick")},
            "means": {"paid": {"good": query("paid"), "total": query("carts")}},
        }

    def asked(self, request: Request) -> Asked:
        assert (request.method, request.url.partition("127.0.0.1")[2].partition("/")[2]) == (
            "POST",
            "graphql",
        )
        assert request.headers["api-key"] == self.secrets["HEADGATE_TEST_KEY"]
        body = json.loads(request.body)
        account, *queries = body["variables"].values()
        assert account == 1234
        assert "actor { account(id: $account) {" in body["query"]
        for n in range(len(queries)):
            assert f"q{n}: nrql(query: $q{n})" in body["query"]
            assert f"$q{n}: Nrql!" in body["query"]
        spans = {SPAN.search(one) for one in queries}
        start, end = next(span.groups() for span in spans if span is not None)
        return Asked(tuple(SPAN.sub("", one) for one in queries), Window(int(start), int(end)))

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body(asked, [[{"count": total(points)}] for points in found])

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body(asked, [[{"count": 1}, {"count": 2}] for _ in found])

    def _body(self, asked: Asked, results: Sequence[object]) -> bytes:
        span = {"begin": asked.window.start * 1000, "end": asked.window.end * 1000}
        account = {
            f"q{n}": {"results": rows, "metadata": {"timeWindow": span}} for n, rows in enumerate(results)
        }
        return json.dumps({"data": {"actor": {"account": account}}}).encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        error = {"message": text, "extensions": {"errorClass": "TOO_MANY_REQUESTS"}}
        two = {"results": [{"count": 1, "average": 2}], "metadata": None}
        return [
            json.dumps({"data": {"actor": {"account": None}}, "errors": [error]}).encode(),
            json.dumps({"data": {"actor": {"account": None}}}).encode(),
            json.dumps({"data": {"actor": {"account": {"q0": two}}}}).encode(),
        ]


@pytest.mark.parametrize("part", ["SINCE 1 day ago", "timeseries", "FACET host", "until now"])
def test_a_query_leaves_its_time_to_us(part: str) -> None:
    key = {"kind": "env", "name": "KEY"}
    with pytest.raises(ValueError, match="leave out"):
        Settings(api_key=key, account=1, requests=f"SELECT count(*) FROM T {part}")  # type: ignore[arg-type]  # noqa: S608
    Settings(api_key=key, account=1, requests="SELECT count(*) FROM T WHERE a = 'since'")  # type: ignore[arg-type]
