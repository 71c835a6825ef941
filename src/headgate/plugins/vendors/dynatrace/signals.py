"""Dynatrace metrics as counters.

Source: Dynatrace documentation, "Metrics API - GET metric data points"
(https://docs.dynatrace.com/docs/shortlink/api-metrics-v2-get-datapoints): GET /api/v2/metrics/query with the header
`Authorization: Api-Token ...`. The resolution `Inf` gives one point for the whole time, its timestamp the time's end.

* A query is a metric selector with one series as its result: `builtin:service.requestCount.total:filter(...):
  splitBy():sum`.
* `latency` needs a metric that counts requests within a bound (a calculated service metric): Dynatrace keeps
  percentiles of `builtin:service.response.time`, and a percentile is no count.
* What has no series is empty: `:default(0)` where zero is meant.
"""

from collections.abc import Mapping
from functools import partial

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.points import single, summed
from headgate.kit.questions import Questions
from headgate.kit.vendor import Vendor, by_headers, each, web_of
from headgate.kit.windows import WindowedSignals
from headgate.ports.errors import Temporary
from headgate.ports.registry import settings_of
from headgate.ports.wires import Wires

PATH = "/api/v2/metrics/query"
_MINUTE = 60


class Settings(Questions, frozen=True, kw_only=True):
    """What Questions takes, and: `token` with the scope `metrics.read`.

    `url` is the environment's. Dynatrace keeps minutes, and has them two minutes later.
    """

    token: SecretSource
    every_s: float = 60.0
    delay_s: float = 120.0

    def __post_init__(self) -> None:
        """Raises ValueError for less than minutes."""
        super().__post_init__()
        if self.every_s % _MINUTE:
            raise ValueError("`every` is whole minutes: Dynatrace keeps nothing finer")


class _Series(msgspec.Struct):
    timestamps: list[float]
    values: list[float | None]


class _Collection(msgspec.Struct, rename="camel"):
    data: list[_Series]
    warnings: list[str] | None = None


class _Answer(msgspec.Struct, rename="camel"):
    result: list[_Collection]
    next_page_key: str | None = None
    warnings: list[str] | None = None


class Dynatrace:
    """Counts with one request for each question: an answer does not say which selector it belongs to."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        return await each(partial(self._one, window), questions)

    async def _one(self, window: Window, name: str, selector: str) -> float | None:
        params = {
            "metricSelector": selector,
            "from": str(window.start * 1000),
            "to": str(window.end * 1000),
            "resolution": "Inf",
        }
        asked = await self._vendor.ask("GET", PATH, params=params, headers={"accept": "application/json"})
        answer = self._vendor.shaped(asked, _Answer)
        said = [*(answer.warnings or ()), *(one for each in answer.result for one in each.warnings or ())]
        if said or answer.next_page_key:
            raise self._vendor.complaint("; ".join(said) or "the answer has more pages")
        series = [one for each in answer.result for one in each.data]
        return single([_sum(one, window, f"Dynatrace, {name}") for one in series], f"Dynatrace, {name}")


def _sum(series: _Series, window: Window, what: str) -> float | None:
    if len(series.timestamps) != len(series.values):
        raise Temporary(f"{what}: more times than values")
    at = [time / 1000 for time in series.timestamps]
    at = [window.start if time == window.end else time for time in at]  # one point for all stands at the end
    return summed(zip(at, series.values, strict=True), window, what)


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    log_in = by_headers({"authorization": settings.token}, "Api-Token ")
    vendor = Vendor("Dynatrace", web_of(wires), settings.url, settings.timeout_s, log_in)
    return WindowedSignals("Dynatrace", Dynatrace(vendor), settings, wires.now)
