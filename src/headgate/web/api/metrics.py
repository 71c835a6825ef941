"""Headgate's own metrics, for Prometheus: `/metrics`.

Labels are project, environment and service, of which a home has few; never a release, a version or a person. Counters
begin with the process that serves them, those of the controller's own with the controller.
`headgate_release_in_progress` is 1 from a release's checks to its end, its bakes included, and 0 otherwise: it switches
the tighter alerts.

Source: Prometheus documentation, "Exposition formats" and "Metric and label naming".
"""

from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from headgate import __version__
from headgate.core.machine.events import Judged
from headgate.core.machine.steps import KINDS
from headgate.core.model import Unit
from headgate.core.model.summary import Summary
from headgate.core.story.report import Report
from headgate.ledger import Ledger
from headgate.ports.controller import APPEND_LE_S, Controller, Stopped, Vitals
from headgate.ports.observer import Happened
from headgate.web.doors.dispatch import Identify
from headgate.web.http.following import Following
from headgate.web.http.problems import Problem
from headgate.web.http.who import Who

PATH = "/metrics"

UNITS_MAX = 1000
"""Units that are shown; a bound far above any real home."""
HISTORY_MAX = 10_000
"""Releases that are looked at, at the start, to know which units there are."""

AREA = ("project", "environment")
UNIT = (*AREA, "service")
SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 14400)
ALL_PHASES = (
    "queued",
    "checking",
    *dict.fromkeys(kind.phase for kind in KINDS.values()),
    "paused",
    "held",
    "rolling back",
)
"""The phases of a release that has not ended."""


class Metrics:
    """Metrics of this home: counted from the ledger, shown to Prometheus."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry(auto_describe=True)
        self._current = _Current()
        registry.register(self._current)
        self._releases = Counter(
            "headgate_releases", "Releases that ended.", (*AREA, "outcome"), registry=registry
        )
        self._verdicts = Counter(
            "headgate_verdicts", "Intervals that were judged.", (*UNIT, "verdict"), registry=registry
        )
        self._failures = Counter(
            "headgate_source_failures",
            "Times that a source of signals could not be read.",
            UNIT,
            registry=registry,
        )
        self._harmed = Counter(
            "headgate_harmed_requests",
            "Requests that a canary answered badly.",
            UNIT,
            registry=registry,
        )
        self._detected = self._seconds("detection", "From a bad canary's first request to the verdict.")
        self._restored = self._seconds("restore", "From the verdict until stable had all traffic again.")
        self._took = self._seconds("release", "From a release's request to its end.")
        self._controller = _Controller()
        registry.register(self._controller)
        build = Gauge("headgate_build_info", "The version that runs.", ("version",), registry=registry)
        build.labels(__version__).set(1)

    def begin(self, ledger: Ledger) -> None:
        """Know what the ledger has. Raises LedgerError."""
        for summary in reversed(ledger.summaries(limit=HISTORY_MAX)):
            self._current.see(summary)

    def observe(self, happened: Happened) -> None:
        """Count one event: an Observer."""
        summary, event = happened.summary, happened.event
        self._current.see(summary)
        if isinstance(event, Judged):
            leg = happened.folded.plan.legs[happened.before.leg]
            unit = _labels(leg.unit)
            self._verdicts.labels(*unit, event.verdict.kind).inc()
            self._harmed.labels(*unit).inc(event.harmed)
            self._failures.labels(*unit).inc(len(happened.sample.problems) if happened.sample else 0)
        if summary.outcome is not None and happened.before.ended_at is None:
            self._ended(summary, happened.folded.report())

    def tell(self, vitals: Vitals | None) -> None:
        """Take in what the controller says of itself now; None: it says nothing, and so nothing is shown."""
        self._controller.vitals = vitals

    def expose(self, accept: str) -> tuple[bytes, str]:
        """The metrics as text, in the format that `accept` (a header) prefers, and the content's type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _seconds(self, name: str, help_: str) -> Histogram:
        return Histogram(f"headgate_{name}_seconds", help_, AREA, buckets=SECONDS, registry=self._registry)

    def _ended(self, summary: Summary, report: Report) -> None:
        area = (summary.project, summary.environment)
        self._releases.labels(*area, summary.outcome).inc()
        self._took.labels(*area).observe(report.took_s)
        if report.detected_after_s is not None:
            self._detected.labels(*area).observe(report.detected_after_s)
        if report.restored_after_s is not None:
            self._restored.labels(*area).observe(report.restored_after_s)


def exposing(
    metrics: Metrics, identify: Identify, controller: Controller, following: Following | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """Serves them to whoever may read everything: a token for some environments only has no business here."""

    async def expose(request: Request) -> Response:
        try:
            _require_all(await identify(request))
        except Problem as problem:
            return problem.response()
        if following is not None:
            await following.catch_up()
        try:
            metrics.tell(await controller.vitals())
        except Stopped:
            metrics.tell(None)
        content, content_type = metrics.expose(request.headers.get("accept", ""))
        return Response(content, media_type=content_type)

    return expose


def _require_all(who: Who) -> None:
    if not who.may("read") or who.environments:
        detail = "metrics are of all environments: use a token that may read them all"
        raise Problem(HTTPStatus.FORBIDDEN, "not allowed", detail)


class _Controller(Collector):
    """The controller's own numbers, as it told them last."""

    def __init__(self) -> None:
        self.vitals: Vitals | None = None

    def collect(self) -> Iterator[Metric]:
        """Nothing where it told nothing: unknown is not zero."""
        told = self.vitals
        if told is None:
            return
        yield GaugeMetricFamily(
            "headgate_trouble", "What stands in the controller's own way now.", value=told.troubles
        )
        bounds = (*map(str, APPEND_LE_S), "+Inf")
        yield HistogramMetricFamily(
            "headgate_ledger_append_seconds",
            "How long the ledger took to write an event.",
            buckets=list(zip(bounds, told.append_counts, strict=True)),
            sum_value=told.append_sum_s,
        )
        yield GaugeMetricFamily(
            "headgate_controller_loop_lag_seconds",
            "The longest that the controller's event loop stood still.",
            value=told.lag_max_s,
        )
        yield CounterMetricFamily(
            "headgate_controller_loop_stalls",
            "Times that the controller's event loop stood still for too long.",
            value=told.stalls,
        )


class _Current(Collector):
    """Gauges: computed when they are asked for, so that nothing outlives what it is about."""

    def __init__(self) -> None:
        self._open: dict[str, Summary] = {}
        self._units: dict[Unit, None] = {}

    def see(self, summary: Summary) -> None:
        """A release as it is now."""
        self._open.pop(summary.release, None)
        if summary.outcome is None:
            self._open[summary.release] = summary
        for move in summary.moves:
            if len(self._units) < UNITS_MAX:
                self._units.setdefault(move.unit)

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        moving = {
            move.unit: (summary, move)
            for summary in self._open.values()
            if summary.phase != "queued"
            for move in summary.moves
        }
        progress = _family("headgate_release_in_progress", "1 while a release moves the service.", UNIT)
        weight = _family("headgate_canary_weight_ratio", "The canary's share of the traffic.", UNIT)
        phase = _family("headgate_release_phase", "1 for the phase that the release is in.", (*UNIT, "phase"))
        for unit in self._units:
            summary, move = moving.get(unit, (None, None))
            progress.add_metric(_labels(unit), 1 if summary else 0)
            weight.add_metric(_labels(unit), move.weight / 100 if move else 0)
            for name in ALL_PHASES:
                phase.add_metric((*_labels(unit), name), 1 if summary and summary.phase == name else 0)
        yield from (progress, weight, phase)
        yield self._counted("headgate_releases_in_flight", "Releases that have not ended.", held=False)
        yield self._counted(
            "headgate_releases_held", "Releases that wait for a person's decision.", held=True
        )

    def _counted(self, name: str, help_: str, *, held: bool) -> Metric:
        areas = dict.fromkeys(((unit.project, unit.environment) for unit in self._units), 0)
        for one in self._open.values():
            if one.phase == "held" or not held:
                areas[one.project, one.environment] = areas.get((one.project, one.environment), 0) + 1
        family = _family(name, help_, AREA)
        for area, count in areas.items():
            family.add_metric(area, count)
        return family


def _family(name: str, help_: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, labels=labels)


def _labels(unit: Unit) -> tuple[str, str, str]:
    return unit.project, unit.environment, unit.service
