"""CloudWatch speaks as its API reference says: "GetMetricData", in JSON, signed by SigV4."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from headgate.core.model.window import Window
from headgate.kit.sigv4 import Credentials, Scope, signed
from headgate.ports.errors import Temporary
from headgate.ports.web import Answer, Request
from headgate.testing.vendor import VendorContract
from headgate.testing.vendor_stage import Asked, Points, Stage
from tests.plugins.signals.vendors.house import RealWeb, present


def query(word: str) -> str:
    return f"""SUM(SEARCH('{{Shop,Version}} MetricName="{word}" Version="{{version}}"', 'Sum', 60))"""


class TestCloudWatch(RealWeb, VendorContract):
    plugin = "cloudwatch"

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": origin,
            "region": "eu-west-1",
            "access_key_id": self.key(),
            "secret_access_key": self.other(),
            "requests": query("hits"),
            "errors": query("fails"),
            "latency": {"100ms": query("quick")},
            "means": {"paid": {"good": query("paid"), "total": query("carts")}},
        }

    def asked(self, request: Request) -> Asked:
        assert (request.method, urlsplit(request.url).path) == ("POST", "/")
        assert request.headers["x-amz-target"] == "GraniteServiceVersion20100801.GetMetricData"
        self._check_signature(request)
        body = json.loads(request.body)
        queries = body["MetricDataQueries"]
        assert [one["Id"] for one in queries] == [f"q{n}" for n in range(len(queries))]
        assert {one["Period"] for one in queries} == {self.resolution_s}
        return Asked(tuple(one["Expression"] for one in queries), Window(body["StartTime"], body["EndTime"]))

    def _check_signature(self, request: Request) -> None:
        given = request.headers["authorization"]
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert {"host", "x-amz-date", "x-amz-target", "content-type"} <= set(names)
        headers = {name: request.headers[name] for name in names if name not in ("host", "x-amz-date")}
        again = Request("POST", request.url, headers, request.body)
        person = Credentials(*self.secrets.values())
        at = (
            datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        )
        scope = Scope("eu-west-1", "monitoring")
        assert signed(again, person, scope, at).headers["authorization"] == given

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([self._result(n, points) for n, points in present(found)])

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([self._result(n, points) for n, points in present(found)] * 2)

    def _result(self, n: int, points: Points, status: str = "Complete") -> dict[str, object]:
        found = [(at, count) for at, count in points if count]
        times, values = [at for at, _ in found], [count for _, count in found]
        return {"Id": f"q{n}", "Label": "x", "Timestamps": times, "Values": values, "StatusCode": status}

    def _body(self, results: list[dict[str, object]], **more: object) -> bytes:
        return json.dumps({"MetricDataResults": results, "Messages": [], **more}).encode()

    nulls = False

    def complaints(self, text: str) -> Sequence[bytes]:
        said = [{"Code": "x", "Value": text}]
        points: Points = [(1, 1.0)]
        return [
            self._body([], Messages=said),
            self._body([self._result(0, points) | {"Messages": said}]),
            self._body([self._result(0, points, "PartialData")]),
            self._body([self._result(0, points, "Forbidden")]),
            self._body([self._result(0, points)], NextToken="more"),
            self._body([self._result(0, points) | {"Values": []}]),
        ]

    def test_throttling_passes(self) -> None:
        async def scene(stage: Stage) -> None:
            stage.distort = lambda *_: Answer(
                400, {}, b'{"__type":"ThrottlingException","message":"Rate exceeded"}'
            )
            with pytest.raises(Temporary, match="Rate exceeded"):
                await stage.read()

        self.play(scene)
