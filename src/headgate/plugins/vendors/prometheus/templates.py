"""The metrics that others expose today: so that a source needs no PromQL.

Each template says which counter counts requests, which of them are errors, which histogram holds the latency, and the
labels that tell one version from another, as far as there is a custom. `match` in the settings says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TemplateName = Literal[
    "envoy", "envoy-gateway", "ingress-nginx", "istio", "linkerd", "opentelemetry", "traefik"
]

SECOND_MS = 1000.0


@dataclass(frozen=True)
class Template:
    """`errors` are matchers added to those of `requests`; `latency` is the histogram's name without `_bucket`.

    `match` are the arm's labels by custom; `ask` names those that only the settings can say. `page` is the source.
    """

    requests: str
    errors: str
    latency: str
    unit_ms: float
    page: str
    always: Mapping[str, str] = field(default_factory=dict[str, str])
    match: Mapping[str, str] = field(default_factory=dict[str, str])
    ask: tuple[str, ...] = ()


_ENVOY_PAGE = (
    "https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats"
)

TEMPLATES: Mapping[str, Template] = {
    # The destination's own proxy tells; what never reached it (no instance, no connection) it cannot know.
    "istio": Template(
        requests="istio_requests_total",
        errors='response_code=~"5..|0"',
        latency="istio_request_duration_milliseconds",
        unit_ms=1.0,
        page="https://istio.io/latest/docs/reference/config/metrics/",
        always={"reporter": "destination"},
        match={"destination_service_name": "{service}", "destination_version": "{version}"},
    ),
    # Labels of the pod are copied to its series by the scrape configuration of linkerd-viz.
    "linkerd": Template(
        requests="response_total",
        errors='classification="failure"',
        latency="response_latency_ms",
        unit_ms=1.0,
        page="https://linkerd.io/2/reference/proxy-metrics/",
        always={"direction": "inbound"},
        match={"version": "{version}"},
    ),
    # One cluster holds all backends of a rule, unless each has a rule, a route or a filter of its own
    # (https://github.com/envoyproxy/gateway/issues/7017): which one is the arm's, only the settings can say.
    "envoy-gateway": Template(
        requests="envoy_cluster_upstream_rq_completed",
        errors="",
        latency="envoy_cluster_upstream_rq_time",
        unit_ms=1.0,
        page="https://gateway.envoyproxy.io/docs/tasks/observability/proxy-metric/",
        ask=("envoy_cluster_name",),
    ),
    "ingress-nginx": Template(
        requests="nginx_ingress_controller_requests",
        errors='status=~"5.."',
        latency="nginx_ingress_controller_request_duration_seconds",
        unit_ms=SECOND_MS,
        page="https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/",
        match={"service": "{service}-{version}"},
    ),
    "traefik": Template(
        requests="traefik_service_requests_total",
        errors='code=~"5..|0"',
        latency="traefik_service_request_duration_seconds",
        unit_ms=SECOND_MS,
        page="https://doc.traefik.io/traefik/observability/metrics/overview/",
        match={"service": "=~{service}-{version}@.+"},
    ),
    # `service.version` is on the series where the backend promotes it from the resource
    # (https://prometheus.io/docs/guides/opentelemetry/, promote_resource_attributes).
    "opentelemetry": Template(
        requests="http_server_request_duration_seconds_count",
        errors='http_response_status_code=~"5.."',
        latency="http_server_request_duration_seconds",
        unit_ms=SECOND_MS,
        page="https://opentelemetry.io/docs/specs/semconv/http/http-metrics/",
        match={"job": "=~(.+/)?{service}", "service_version": "{version}"},
    ),
    # Headgate's own Envoy, and any other whose clusters are named after versions.
    "envoy": Template(
        requests="envoy_cluster_upstream_rq_completed",
        errors="",
        latency="envoy_cluster_upstream_rq_time",
        unit_ms=1.0,
        page=_ENVOY_PAGE,
        match={"envoy_cluster_name": "{arm}"},
    ),
}

ENVOY_ERRORS = "envoy_cluster_upstream_rq_xx"
ENVOY_ERROR_CLASS = 'envoy_response_code_class="5"'
"""Envoy keeps answers by class in a counter of their own."""
