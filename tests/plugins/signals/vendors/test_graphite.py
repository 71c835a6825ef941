"""Graphite speaks as its documentation says: "The Render URL API", and as whisper cuts time (from < t <= until)."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headgate.core.model.window import Window
from headgate.ports.errors import Temporary
from headgate.ports.web import Answer, Request
from headgate.testing.vendor import VendorContract
from headgate.testing.vendor_stage import CANARY, Asked, Points, Stage
from tests.plugins.signals.vendors.house import RealWeb, present


def query(word: str) -> str:
    return f"sumSeries(stats_counts.shop.{{version}}.*.{word})"


class TestGraphite(RealWeb, VendorContract):
    plugin = "graphite"

    def settings(self, origin: str) -> dict[str, Any]:
        return {
            "url": f"{origin}/graphite/",
            "user": "headgate",
            "password": self.key(),
            "requests": query("hits"),
            "errors": query("fails"),
            "latency": {"100ms": query("quick")},
            "means": {"paid": {"good": query("paid"), "total": query("carts")}},
        }

    def asked(self, request: Request) -> Asked:
        assert (request.method, urlsplit(request.url).path) == ("POST", "/graphite/render")
        form = parse_qs(request.body.decode())
        assert form["format"] == ["json"]
        assert "maxDataPoints" not in form
        step = self.resolution_s
        start, end = (int(form[name][0]) // step * step + step for name in ("from", "until"))
        targets = form["target"]
        assert [target[-5:] for target in targets] == [f'"q{n}")' for n in range(len(targets))]
        return Asked(tuple(target[len("alias(") : -len(',"q0")')] for target in targets), Window(start, end))

    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body(present(found))

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        return self._body([*present(found), *present(found)])

    def _body(self, found: list[tuple[int, Points]]) -> bytes:
        return json.dumps(
            [
                {"target": f"q{n}", "tags": {}, "datapoints": [[count, at] for at, count in points]}
                for n, points in found
            ]
        ).encode()

    def complaints(self, text: str) -> Sequence[bytes]:
        return [f"<pre>{text}</pre>".encode(), b'[{"target": "q0", "datapoints": [[1, 100]]}]']

    def test_points_further_apart_than_windows_are_refused(self) -> None:
        async def scene(stage: Stage) -> None:
            stage.happens(CANARY, hits=1)
            stage.passes()
            start = int(stage.now) // 300 * 300 - 900
            body = self._body([(0, [(start + 300 * n, 1.0) for n in range(3)])])
            stage.distort = lambda *_: Answer(200, {}, body)
            with pytest.raises(Temporary, match="further apart than `every`"):
                await stage.read()

        self.play(scene)
