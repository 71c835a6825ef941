"""Log lines in Grafana Loki as counters, and their new kinds of errors.

Source: Grafana Loki documentation, "Loki HTTP API" (https://grafana.com/docs/loki/latest/reference/loki-http-api/): GET
/loki/api/v1/query answers a metric query with a vector, GET /loki/api/v1/query_range a log query with streams; both may
carry `warnings`. A range like `[60s]` takes the time before a moment, that moment included: hence a nanosecond less.

* A query selects log lines: `{app="{service}", version="{version}"} | json | status >= 500`; they are counted here, by
  `sum(count_over_time(... [60s]))`. `latency` selects by a label: `... | json | duration <= 100ms`.
* `error_lines` finds the lines of errors: they become the mean `new_errors` (see kit.novelty).
"""

from collections.abc import Mapping
from functools import partial

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.novelty import Lines
from headgate.kit.points import count_in, single, summed
from headgate.kit.questions import LogQuestions, named
from headgate.kit.vendor import Vendor, by_token_or_password, each, web_of
from headgate.kit.windows import ErrorLines, WindowedSignals
from headgate.ports.registry import settings_of
from headgate.ports.wires import Wires

API = "/loki/api/v1"
_NS = 1_000_000_000


class Settings(LogQuestions, frozen=True, kw_only=True):
    """What LogQuestions takes, and: `tenant` (X-Scope-OrgID); `token`, or `user` and `password`.

    Lines can be read as soon as they were pushed; agents batch for a second or more.
    """

    tenant: str = ""
    token: SecretSource | None = None
    user: str = ""
    password: SecretSource | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a query that counts already."""
        super().__post_init__()
        for name, query in (*named(self), ("error_lines", self.error_lines)):
            if query and not query.lstrip().startswith("{"):
                raise ValueError(f"`{name}`: select lines, beginning with `{{`; they are counted here")


class _Sample(msgspec.Struct):
    value: tuple[float, str]


class _Stream(msgspec.Struct):
    values: list[list[str | dict[str, str]]]


class _Vector(msgspec.Struct, tag_field="resultType", tag="vector"):
    result: list[_Sample]


class _Streams(msgspec.Struct, tag_field="resultType", tag="streams"):
    result: list[_Stream]


class _Answer(msgspec.Struct):
    status: str
    data: _Vector | _Streams
    warnings: list[str] | None = None


class Loki:
    """Counts with one request for each question."""

    def __init__(self, vendor: Vendor, tenant: str) -> None:
        self._vendor = vendor
        self._headers = {"accept": "application/json"} | ({"x-scope-orgid": tenant} if tenant else {})

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        return await each(partial(self._one, window), questions)

    async def lines(self, query: str, window: Window, most: int) -> Lines:
        """See kit.novelty.Reader."""
        params = {
            "query": query,
            "start": str(window.start * _NS),
            "end": str(window.end * _NS),
            "limit": str(most),
            "direction": "backward",
        }
        total = await self._one(window, "error_lines", query)
        data = await self._ask("/query_range", params)
        if not isinstance(data, _Streams):
            raise self._vendor.complaint("a vector instead of streams")
        texts = [str(entry[1]) for stream in data.result for entry in stream.values if len(entry) > 1]
        return Lines(total or 0.0, tuple(texts[:most]))

    async def _one(self, window: Window, name: str, query: str) -> float | None:
        params = {
            "query": f"sum(count_over_time({query} [{window.length_s}s]))",
            "time": str(window.end * _NS - 1),
        }
        data = await self._ask("/query", params)
        if not isinstance(data, _Vector):
            raise self._vendor.complaint("streams instead of a vector")
        what = f"Loki, {name}"
        points = [_inside(sample.value, window) for sample in data.result]
        return single([summed([point], window, what) for point in points], what)

    async def _ask(self, path: str, params: Mapping[str, str]) -> _Vector | _Streams:
        asked = await self._vendor.ask("GET", f"{API}{path}", params=params, headers=self._headers)
        answer = self._vendor.shaped(asked, _Answer)
        if answer.status != "success" or answer.warnings:
            raise self._vendor.complaint("; ".join(answer.warnings or ()) or answer.status)
        return answer.data


def _inside(value: tuple[float, str], window: Window) -> tuple[float, float | None]:
    """A sample stands at the moment that was asked for, which may be rounded to the window's end."""
    at, count = value
    return (window.start if window.end - 1 < at <= window.end else at), count_in(count, "Loki")


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    log_in = by_token_or_password(settings.token, settings.user, settings.password)
    vendor = Vendor("Loki", web_of(wires), settings.url, settings.timeout_s, log_in)
    source = Loki(vendor, settings.tenant)
    error_lines = ErrorLines(source, settings.error_lines) if settings.error_lines else None
    return WindowedSignals("Loki", source, settings, wires.now, error_lines)
