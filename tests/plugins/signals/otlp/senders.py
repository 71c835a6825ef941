"""Services with the real OpenTelemetry SDK, and a receiver over a real listener."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Counter, Histogram
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter as SdkCounter
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from headgate.core.model import Unit, Version
from headgate.plugins.vendors.otlp.source import OtlpSignals, Settings
from headgate.web.http.receiving import Receiving
from tests.plugins.traffic.envoys import free_port

UNIT = Unit("shop", "production", "web")
OLD, NEW = (Version(UNIT, letter * 64, "0" * 64) for letter in "ab")
NEVER_MS = 1e9
PATIENT_S = 600.0
"""Longer than any machine takes for a test: silence is made by moving the clock."""


class Clock:
    """Real time, moved ahead at will."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return self._now() + self.ahead_s


@dataclass
class Sender:
    """One process of a version. Nothing is sent before `flush`."""

    endpoint: str
    version: Version
    instance: str = "one"
    service: str = "web"
    name: str = ""
    environment: str = "production"
    delta: bool = False
    exponential: bool = False
    compression: Compression = Compression.Gzip
    closing: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        resource = Resource(
            {
                "service.name": self.service,
                "service.version": self.name or self.version.key,
                "service.instance.id": self.instance,
                "deployment.environment.name": self.environment,
            }
        )
        self._metrics = MeterProvider([self._reader()], resource, shutdown_on_exit=False)
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{self.endpoint}/v1/traces", compression=self.compression)
        self._traces.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=NEVER_MS))
        self._logs = LoggerProvider(resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(
            BatchLogRecordProcessor(
                OTLPLogExporter(f"{self.endpoint}/v1/logs", compression=self.compression),
                schedule_delay_millis=NEVER_MS,
            )
        )
        self.meter = self._metrics.get_meter("test")
        self.tracer = self._traces.get_tracer("test")
        self.logger = self._logs.get_logger("test")
        self.duration: Histogram = self.meter.create_histogram("http.server.request.duration", "s")
        self.up: Counter = self.meter.create_counter("up")

    def _reader(self) -> PeriodicExportingMetricReader:
        delta: dict[type, AggregationTemporality] = {
            SdkHistogram: AggregationTemporality.DELTA,
            SdkCounter: AggregationTemporality.DELTA,
        }
        aggregation: Aggregation = (
            ExponentialBucketHistogramAggregation()
            if self.exponential
            else ExplicitBucketHistogramAggregation((0.005, 0.01, 0.05, 0.1, 0.5, 1.0))
        )
        exporter = OTLPMetricExporter(
            f"{self.endpoint}/v1/metrics",
            compression=self.compression,
            preferred_temporality=delta if self.delta else {},
            preferred_aggregation={SdkHistogram: aggregation},
        )
        return PeriodicExportingMetricReader(exporter, export_interval_millis=NEVER_MS)

    def answer(self, status: int, seconds: float = 0.02, route: str = "/") -> None:
        self.duration.record(
            seconds, {"http.response.status_code": status, "http.route": route, "http.request.method": "GET"}
        )

    def serve(self, *, failed: bool) -> None:
        with self.tracer.start_as_current_span("GET /", kind=SpanKind.SERVER) as span:
            if failed:
                span.set_status(Status(StatusCode.ERROR))

    def log(self, severity: SeverityNumber, text: str = "something") -> None:
        self.logger.emit(LogRecord(severity_number=severity, body=text))

    async def flush(self) -> None:
        """Send everything, and wait until it was answered."""
        self.up.add(1)
        for provider in (self._metrics, self._traces, self._logs):
            assert await asyncio.to_thread(provider.force_flush)

    async def close(self) -> None:
        for provider in (self._metrics, self._traces, self._logs):
            await asyncio.to_thread(provider.shutdown)


@dataclass
class Place:
    """A receiver, the sources that read it, and who sends to it."""

    listen: str
    receiving: Receiving
    clock: Clock
    labels: dict[Version, str] = field(default_factory=dict)
    senders: list[Sender] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.listen}"

    def source(self, **settings: object) -> OtlpSignals:
        source = OtlpSignals(
            Settings(listen=self.listen, **{"silence_max_s": PATIENT_S, **settings}),  # type: ignore[arg-type]
            self.receiving.serve,
            lambda version: self.labels.get(version, ""),
            self.clock,
        )
        source.listen()
        return source

    def sender(self, version: Version, **options: object) -> Sender:
        made = Sender(self.url, version, **options)  # type: ignore[arg-type]
        self.senders.append(made)
        return made


@contextlib.asynccontextmanager
async def place(now: Callable[[], float]) -> AsyncGenerator[Place]:
    """An address at which nobody listens before a source is made."""
    made = Place(f"127.0.0.1:{free_port()}", Receiving(), Clock(now))
    try:
        yield made
    finally:
        for sender in made.senders:
            await sender.close()
        await made.receiving.aclose()
