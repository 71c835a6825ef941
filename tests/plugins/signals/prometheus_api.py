"""A Prometheus in memory, for tests: answers the queries that the plugin builds, from series set by the test.

The shapes are those of https://prometheus.io/docs/prometheus/latest/querying/api/; a real Prometheus is asked in
tests/e2e/test_prometheus.py.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from headgate.kit.vendor import LogIn, anonymous
from headgate.plugins.vendors.prometheus import PrometheusSignals, Settings
from headgate.ports.web import Answer, Request
from headgate.testing.fakes.web import MemoryWeb

NOW = 1_700_000_000.0

_QUERY = re.compile(
    r"(?P<by>sum by \((?P<labels>[\w, ]+)\) |count(?: by \((?P<count>\w+)\))? ?|max)\((?P<inner>.*)\)",
    re.DOTALL,
)
_SELECTOR = re.compile(r"([\w:]+)(?:\{(.*)\})?")
_MATCHER = re.compile(r'(\w+)(=~|!=|!~|=)"((?:[^"\\]|\\.)*)"')

Labels = dict[str, str]


@dataclass
class Api:
    """`series` are counters by name and labels; `answers` replaces a question's answer, by a word in its query."""

    series: list[tuple[str, Labels, float]] = field(default_factory=list[tuple[str, Labels, float]])
    sampled_at: float = NOW
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    asked: list[Request] = field(default_factory=list[Request])
    date: str = ""

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set one series."""
        self.series = [one for one in self.series if one[:2] != (name, labels)] + [(name, labels, value)]

    def add(self, name: str, value: float, /, **labels: str) -> None:
        """Add to one series."""
        before = next((one[2] for one in self.series if one[:2] == (name, labels)), 0.0)
        self.set(name, before + value, **labels)

    def __call__(self, request: Request) -> Answer:
        """A script for a web in memory, or a local server."""
        self.asked.append(request)
        query = parse_qs(request.body.decode())["query"][0]
        for word, answer in self.answers.items():
            if word in query:
                if isinstance(answer, type) and issubclass(answer, Exception):
                    raise answer
                return answer if isinstance(answer, Answer) else Answer(200, {}, json.dumps(answer).encode())
        headers = {"date": self.date} if self.date else {}
        return Answer(200, headers, json.dumps(vector(self._evaluated(query))).encode())

    def _evaluated(self, query: str) -> list[tuple[Labels, float]]:
        found = _QUERY.fullmatch(query)
        assert found is not None, query
        inner = found["inner"]
        stamped = inner.startswith("timestamp(")
        series = self._selected(inner.removeprefix("timestamp(").removesuffix(")") if stamped else inner)
        if stamped:
            return [({}, self.sampled_at)] if series else []
        labels = (found["labels"] or found["count"] or "").replace(" ", "").split(",")
        counting = found["by"].startswith("count")
        groups: dict[tuple[tuple[str, str], ...], float] = {}
        for own, value in series:
            key = tuple((label, own[label]) for label in labels if label in own)
            groups[key] = groups.get(key, 0.0) + (1 if counting else value)
        return [(dict(key), value) for key, value in groups.items()]

    def _selected(self, text: str) -> list[tuple[Labels, float]]:
        found = _SELECTOR.fullmatch(text)
        assert found is not None, text
        matchers = _MATCHER.findall(found[2] or "")
        return [
            (labels, value)
            for name, labels, value in self.series
            if name == found[1] and all(matches(labels.get(label, ""), *rest) for label, *rest in matchers)
        ]


def matches(value: str, operator: str, wanted: str) -> bool:
    """One matcher of a selector."""
    wanted = wanted.replace("\\\\", "\\")
    equal = re.fullmatch(wanted, value) is not None if "~" in operator else value == wanted
    return not equal if operator.startswith("!") else equal


def vector(series: list[tuple[Labels, float]]) -> dict[str, Any]:
    """The envelope of an instant vector."""
    result = [{"metric": labels, "value": [NOW, repr(value)]} for labels, value in series]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def signals(
    api: Callable[[Request], Answer],
    now: Callable[[], float] = lambda: NOW,
    log_in: LogIn = anonymous,
    **settings: Any,  # noqa: ANN401 - whatever Settings takes
) -> PrometheusSignals:
    """The plugin over a web in memory."""
    known: dict[str, Any] = {"url": "http://prometheus.example:9090", "template": "envoy", **settings}
    return PrometheusSignals(Settings(**known), MemoryWeb(api), log_in, lambda version: version.key, now)
