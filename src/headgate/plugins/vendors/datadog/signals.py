"""Datadog metrics as counters.

Source: Datadog API reference, "Metrics", "Query timeseries data across multiple products"
(https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-data-across-multiple-products): POST
/api/v2/query/timeseries. The series that answers query n has `query_index` n; `times` are the beginnings of the
intervals, in milliseconds; `values` has a list for each series, null where there is nothing.

* A query counts: `sum:trace.http.request.hits{service:{service},version:{version}}.as_count()`. Never `.as_rate()`.
* `latency` takes threshold queries on distributions: `count(v: v<=0.1):http.latency{version:{version}}.as_count()`.
"""

from collections.abc import Mapping

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.points import single, summed
from headgate.kit.questions import Questions
from headgate.kit.vendor import Vendor, by_headers, web_of
from headgate.kit.windows import WindowedSignals
from headgate.ports.errors import Temporary
from headgate.ports.registry import settings_of
from headgate.ports.wires import Wires

PATH = "/api/v2/query/timeseries"


class Settings(Questions, frozen=True, kw_only=True):
    """What Questions takes, and: `api_key`, `application_key` (scope `timeseries_query`), `url`, the API of your site.

    Agents send every 10 s; what they send can be read after about half a minute.
    """

    api_key: SecretSource
    application_key: SecretSource
    url: str = "https://api.datadoghq.com"
    every_s: float = 30.0
    delay_s: float = 60.0


class _Series(msgspec.Struct):
    query_index: int = 0


class _Attributes(msgspec.Struct):
    series: list[_Series]
    times: list[float]
    values: list[list[float | None]]


class _Data(msgspec.Struct):
    attributes: _Attributes


class _Answer(msgspec.Struct):
    data: _Data | None = None
    errors: str | list[str] | None = None


class Datadog:
    """Counts with one request for all questions."""

    def __init__(self, vendor: Vendor, resolution_s: int) -> None:
        self._vendor = vendor
        self._resolution_s = resolution_s

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        body = msgspec.json.encode(self._request(questions, window))
        answer = self._vendor.shaped(await self._vendor.ask("POST", PATH, body=body), _Answer)
        if answer.errors or answer.data is None:
            raise self._vendor.complaint(answer.errors or "no data and no error")
        return _counts(answer.data.attributes, list(questions), window)

    def _request(self, questions: Mapping[str, str], window: Window) -> dict[str, object]:
        queries = [
            {"data_source": "metrics", "name": f"q{n}", "query": query}
            for n, query in enumerate(questions.values())
        ]
        attributes = {
            "from": window.start * 1000,
            "to": window.end * 1000,
            "interval": self._resolution_s * 1000,
            "queries": queries,
            "formulas": [{"formula": query["name"]} for query in queries],
        }
        return {"data": {"type": "timeseries_request", "attributes": attributes}}


def _counts(found: _Attributes, names: list[str], window: Window) -> dict[str, float | None]:
    if len(found.series) != len(found.values) or any(len(row) != len(found.times) for row in found.values):
        raise Temporary("Datadog answered with more times than values, or more series")
    at = [time / 1000 for time in found.times]
    return {
        name: single(
            [
                summed(zip(at, row, strict=True), window, f"Datadog, {name}")
                for series, row in zip(found.series, found.values, strict=True)
                if series.query_index == index
            ],
            f"Datadog, {name}",
        )
        for index, name in enumerate(names)
    }


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    keys = {"dd-api-key": settings.api_key, "dd-application-key": settings.application_key}
    vendor = Vendor("Datadog", web_of(wires), settings.url, settings.timeout_s, by_headers(keys))
    return WindowedSignals("Datadog", Datadog(vendor, settings.pace.resolution_s), settings, wires.now)
