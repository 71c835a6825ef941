"""Data points of the metrics that are asked for: histograms, exponential histograms, monotonic sums."""

from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    DataPointFlags,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)

from headgate.core.traces import Party
from headgate.plugins.vendors.otlp.resource import Batch, Point, attribute, digest, party, status
from headgate.plugins.vendors.otlp.spread import Explicit, Exponential

POINTS_MAX = 20_000
"""So many data points of one delivery are taken."""

_COUNT_MAX = 2**53
_SERVER_ERROR = 500
_UNITS_MS = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}

_AnyPoint = HistogramDataPoint | ExponentialHistogramDataPoint | NumberDataPoint


class _Wrong(ValueError):  # noqa: N818 - what a point is
    """Why a point or a metric cannot be taken."""


def read(request: ExportMetricsServiceRequest, wanted: frozenset[str]) -> Batch:
    """The points of the metrics named in `wanted`; whoever sent anything is heard."""
    batch = Batch()
    for group in batch.some(request.resource_metrics):
        sender = party(group.resource)
        metrics = [metric for scope in group.scope_metrics for metric in scope.metrics]
        if isinstance(sender, str):
            batch.reject(len(metrics), sender)
            continue
        batch.heard.add(sender)
        process = digest(group.resource.attributes)
        for metric in metrics:
            if metric.name in wanted:
                _metric(batch, metric, sender, process)
    return batch


def _metric(batch: Batch, metric: Metric, sender: Party, process: bytes) -> None:
    try:
        points, temporality = _points(metric)
    except _Wrong as wrong:
        batch.reject(1, str(wrong), sender, metric.name)
        return
    cumulative = temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    for number, point in enumerate(points):
        if len(batch.points) >= POINTS_MAX:
            batch.reject(
                len(points) - number,
                f"more than {POINTS_MAX} data points in one request",
                sender,
                metric.name,
            )
            return
        if point.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
            continue
        try:
            count, spread = _value(point, metric.unit)
        except _Wrong as wrong:
            batch.reject(1, f"{metric.name}: {wrong}", sender, metric.name)
            continue
        stream = digest(point.attributes, process, metric.name.encode())
        taken = Point(
            sender,
            metric.name,
            stream,
            point.start_time_unix_nano,
            point.time_unix_nano,
            cumulative=cumulative,
            bad=_bad(point),
            count=count,
            spread=spread,
        )
        batch.points.append(taken)


def _points(metric: Metric) -> tuple[list[Any], int]:
    """The points of a metric that counts, and their temporality. Raises _Wrong."""
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind) if kind else None
    if data is None or kind in ("gauge", "summary") or (kind == "sum" and not data.is_monotonic):
        what = f"a {kind}" if kind != "sum" else "a sum that may fall"
        raise _Wrong(f"{metric.name} is {what}: expected a histogram or a monotonic sum")
    if data.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_UNSPECIFIED:
        raise _Wrong(f"{metric.name} does not say whether it is cumulative")
    return list(data.data_points), data.aggregation_temporality


def _value(point: _AnyPoint, unit: str) -> tuple[int, Explicit | Exponential | None]:
    """How many it counts, and how they are spread. Raises _Wrong."""
    if isinstance(point, NumberDataPoint):
        return _whole(point), None
    if point.count > _COUNT_MAX:
        raise _Wrong("a count that cannot be")
    spread = _spread(point, unit)
    if spread is not None and (wrong := spread.wrong()):
        raise _Wrong(wrong)
    if spread is not None and spread.total != point.count:
        raise _Wrong("a histogram's buckets must add up to its count")
    return point.count, spread


def _whole(point: NumberDataPoint) -> int:
    value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    if not 0 <= value <= _COUNT_MAX or value != int(value):
        raise _Wrong("a counter must be a whole number, zero or more")
    return int(value)


def _spread(
    point: HistogramDataPoint | ExponentialHistogramDataPoint, unit: str
) -> Explicit | Exponential | None:
    if unit not in _UNITS_MS:
        raise _Wrong(f"its unit is {unit[:20]!r}: expected one of {', '.join(_UNITS_MS)}")
    unit_ms = _UNITS_MS[unit]
    if isinstance(point, HistogramDataPoint):
        if not point.explicit_bounds:
            return None  # a count without buckets
        le_ms = tuple(round(bound * unit_ms, 6) for bound in point.explicit_bounds)
        return Explicit(le_ms, tuple(point.bucket_counts))
    if point.negative.bucket_counts and sum(point.negative.bucket_counts):
        raise _Wrong("a duration below zero")
    return Exponential(
        point.scale, point.positive.offset, tuple(point.positive.bucket_counts), point.zero_count, unit_ms
    )


def _bad(point: _AnyPoint) -> bool:
    """An error is an answer 5xx, or, where there was no answer at all, whatever has an `error.type`."""
    code = status(point.attributes)
    return code >= _SERVER_ERROR if code is not None else bool(attribute(point.attributes, "error.type"))
