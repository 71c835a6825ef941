"""Graphite series as counters.

Source: Graphite documentation, "The Render URL API" (https://graphite.readthedocs.io/en/latest/render_api.html): GET
/render with `format=json` answers `[{"target": ..., "datapoints": [[value, seconds], ...]}]`, null where there is
nothing. `from` is exclusive and `until` inclusive there, hence a second less of both. `alias()` names the answers.
`maxDataPoints` is left out on purpose: it averages.

* A query has one series of counts as its result: `sumSeries(stats_counts.shop.{version}.requests)`. A rate per second
  becomes counts with `hitcount()`, or `scale()` by the length of a step.
* `latency` takes counters of requests within a bound, as statsd's histogram bins (`....bin_100`) summed up.
"""

from collections.abc import Mapping
from itertools import pairwise
from urllib.parse import urlencode

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.points import single, summed
from headgate.kit.questions import Questions
from headgate.kit.vendor import Vendor, by_token_or_password, web_of
from headgate.kit.windows import WindowedSignals
from headgate.ports.errors import Temporary
from headgate.ports.registry import settings_of
from headgate.ports.wires import Wires

HEADERS = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}


class Settings(Questions, frozen=True, kw_only=True):
    """What Questions takes, and: `token` (a bearer token), or `user` and `password`, where a proxy asks for it.

    `every` is at least the series' own step (the finest retention in storage-schemas.conf), or a multiple of it.
    """

    token: SecretSource | None = None
    user: str = ""
    password: SecretSource | None = None
    every_s: float = 60.0
    delay_s: float = 60.0


class _Series(msgspec.Struct):
    target: str
    datapoints: list[tuple[float | None, float]]


class Graphite:
    """Counts with one request for all questions."""

    def __init__(self, vendor: Vendor, resolution_s: int) -> None:
        self._vendor = vendor
        self._resolution_s = resolution_s

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        form = [("target", f'alias({query},"q{n}")') for n, query in enumerate(questions.values())]
        since = window.start - self._resolution_s - 1  # two points at least, so that their step can be seen
        span = [("from", str(since)), ("until", str(window.end - 1)), ("format", "json")]
        body = urlencode([*form, *span]).encode()
        answer = await self._vendor.ask("POST", "/render", headers=HEADERS, body=body)
        series = self._vendor.shaped(answer, list[_Series])
        return {
            name: single(
                [self._sum(one, window, f"Graphite, {name}") for one in series if one.target == f"q{n}"],
                f"Graphite, {name}",
            )
            for n, name in enumerate(questions)
        }

    def _sum(self, series: _Series, window: Window, what: str) -> float | None:
        points = series.datapoints
        steps = {after[1] - before[1] for before, after in pairwise(points)}
        if len(points) == 1 or any(step > 0 and self._resolution_s % step for step in steps):
            raise Temporary(
                f"{what}: its points are further apart than `every`, which must be a multiple of their step"
            )
        before = window.start - self._resolution_s
        return summed(((at, one) for one, at in points if not before <= at < window.start), window, what)


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    log_in = by_token_or_password(settings.token, settings.user, settings.password)
    vendor = Vendor("Graphite", web_of(wires), settings.url, settings.timeout_s, log_in)
    return WindowedSignals("Graphite", Graphite(vendor, settings.pace.resolution_s), settings, wires.now)
