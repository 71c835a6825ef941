"""Requests, errors and latencies of a unit in PromQL, for the metrics that people have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headgate.core.model import Unit


@dataclass(frozen=True)
class Metrics:
    """The names and labels of one kind of metrics.

    `total` and `errors` are counters of a unit (errors: `total` with more matchers, unless they have a name of their
    own), `latency` its histogram in units of `unit_s` seconds; `labels` select the unit. The same per version:
    `version_...`, told apart by the label `version`. `page` is the source.
    """

    total: str
    errors: str
    error_labels: Mapping[str, str]
    latency: str
    unit_s: float
    labels: Mapping[str, str]
    version: str
    page: str
    version_total: str = ""
    version_errors: str = ""
    version_latency: str = ""
    version_labels: Mapping[str, str] = field(default_factory=dict[str, str])


FAMILIES: Mapping[str, Metrics] = {
    # A unit has a listener of its own, whose statistics go on whichever version answers.
    "envoy": Metrics(
        total="envoy_http_downstream_rq_completed",
        errors="envoy_http_downstream_rq_xx",
        error_labels={"envoy_response_code_class": "5"},
        latency="envoy_http_downstream_rq_time",
        unit_s=0.001,
        labels={"envoy_http_conn_manager_prefix": "{proxy}"},
        version="envoy_cluster_name",
        version_total="envoy_cluster_upstream_rq_completed",
        version_errors="envoy_cluster_upstream_rq_xx",
        version_latency="envoy_cluster_upstream_rq_time",
        version_labels={"envoy_cluster_name": "=~{proxy}-[0-9a-f]{{12}}-[0-9a-f]{{8}}"},
        page="Envoy documentation: HTTP connection manager and cluster statistics",
    ),
    "istio": Metrics(
        total="istio_requests_total",
        errors="istio_requests_total",
        error_labels={"response_code": "=~5..|0"},
        latency="istio_request_duration_milliseconds",
        unit_s=0.001,
        labels={"reporter": "destination", "destination_service_name": "{service}"},
        version="destination_version",
        page="Istio documentation: Istio Standard Metrics",
    ),
    "opentelemetry": Metrics(
        total="http_server_request_duration_seconds_count",
        errors="http_server_request_duration_seconds_count",
        error_labels={"http_response_status_code": "=~5.."},
        latency="http_server_request_duration_seconds",
        unit_s=1.0,
        labels={"job": "=~(.+/)?{service}"},
        version="service_version",
        page="OpenTelemetry semantic conventions: HTTP metrics",
    ),
}


class Queries:
    """The expressions of one kind of metrics. `proxy` names a unit in the proxy, `more` are added to every selector."""

    def __init__(self, family: str, proxy: Callable[[Unit], str], more: Mapping[str, str]) -> None:
        self._metrics = FAMILIES[family]
        self._proxy = proxy
        self._more = more

    def ratio(self, unit: Unit, window: str) -> str:
        """Errors over requests of a unit. No requests: no number."""
        metrics, chosen = self._metrics, self._chosen(unit, self._metrics.labels)
        bad = chosen | {name: _quoted(value) for name, value in metrics.error_labels.items()}
        errors = f"sum(rate({metrics.errors}{_braces(bad)}[{window}])) or vector(0)"
        return f"({errors})\n/\nsum(rate({metrics.total}{_braces(chosen)}[{window}]))"

    def latency_s(self, unit: Unit, quantile: float, window: str) -> str:
        """A quantile of the latency, in seconds."""
        chosen = _braces(self._chosen(unit, self._metrics.labels))
        return self._quantile(self._metrics.latency, chosen, quantile, "le", window)

    def version_rate(self, unit: Unit, window: str) -> str:
        """Requests a second, by version."""
        metrics, chosen = self._metrics, self._versions(unit)
        total = metrics.version_total or metrics.total
        return f"sum by ({metrics.version}) (rate({total}{_braces(chosen)}[{window}]))"

    def version_ratio(self, unit: Unit, window: str) -> str:
        """Errors over requests, by version."""
        metrics, chosen = self._metrics, self._versions(unit)
        bad = chosen | {name: _quoted(value) for name, value in metrics.error_labels.items()}
        errors = f"{metrics.version_errors or metrics.errors}{_braces(bad)}"
        return f"sum by ({metrics.version}) (rate({errors}[{window}]))\n/\n{self.version_rate(unit, window)}"

    def version_latency_s(self, unit: Unit, quantile: float, window: str) -> str:
        """A quantile of the latency, in seconds, by version."""
        name = self._metrics.version_latency or self._metrics.latency
        chosen = _braces(self._versions(unit))
        return self._quantile(name, chosen, quantile, f"le, {self._metrics.version}", window)

    @property
    def version(self) -> str:
        """The label that names a version."""
        return self._metrics.version

    def _quantile(self, name: str, chosen: str, quantile: float, by: str, window: str) -> str:
        expression = (
            f"histogram_quantile({quantile:g}, sum by ({by}) (rate({name}_bucket{chosen}[{window}])))"
        )
        return expression if self._metrics.unit_s == 1 else f"{expression} * {self._metrics.unit_s:g}"

    def _versions(self, unit: Unit) -> dict[str, str]:
        return self._chosen(unit, self._metrics.version_labels or self._metrics.labels)

    def _chosen(self, unit: Unit, labels: Mapping[str, str]) -> dict[str, str]:
        known = {
            "proxy": self._proxy(unit),
            "project": unit.project,
            "environment": unit.environment,
            "service": unit.service,
        }
        return {name: _quoted(value.format(**known)) for name, value in {**labels, **self._more}.items()}


def progress(unit: Unit) -> str:
    """1 while a release moves the unit, its bakes included: what Headgate itself exposes."""
    return f"headgate_release_in_progress{_braces({name: _quoted(value) for name, value in known(unit).items()})}"


def known(unit: Unit) -> dict[str, str]:
    """The labels of a unit."""
    return {"project": unit.project, "environment": unit.environment, "service": unit.service}


def _quoted(value: str) -> str:
    """A matcher: `=~` at the beginning makes it a regular expression."""
    sign, text = ("=~", value[2:]) if value.startswith("=~") else ("=", value)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'{sign}"{escaped}"'


def _braces(matchers: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{name}{matcher}" for name, matcher in matchers.items()) + "}"
