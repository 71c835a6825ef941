"""Versions as clusters. A pure builder."""

from typing import Any

import msgspec

from headgate.core.model import ProxyRules, UpstreamProtocol, Version
from headgate.plugins.traffic.envoy.bootstrap import HEADERS_MAX, Options, file_source, kib, seconds
from headgate.plugins.traffic.envoy.names import cluster_name
from headgate.plugins.traffic.envoy.spoken import Spoken

METADATA = "headgate"
_CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
_PROTOCOL = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_HTTP2 = {"http2_protocol_options": {"allow_connect": True}}
_HTTP1: dict[str, Any] = {"http_protocol_options": {}}


def cluster(
    version: Version, rules: ProxyRules, spoken: Spoken, *, endpoints_file: str, options: Options
) -> dict[str, Any]:
    """The cluster of one version, whose instances speak what they were found to speak (see spoken).

    No outlier detection and no health checks: both would take requests from a failing instance and so hide its
    errors from the judge; readiness is the target's business. The panic threshold is 0: an instance that is draining
    gets nothing, also when no other is left.
    """
    name = cluster_name(version)
    most = options.connections_max
    thresholds = {
        "max_connections": most,
        "max_pending_requests": most,
        "max_requests": most,
        "max_retries": most,
    }
    return {
        "@type": _CLUSTER,
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"service_name": name, "eds_config": file_source(endpoints_file)},
        "connect_timeout": seconds(options.connect_timeout_s),
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [{"priority": "DEFAULT", **thresholds}]},
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _PROTOCOL,
                "common_http_protocol_options": _connection(rules),
                **_protocol(rules.protocol, spoken),
            }
        },
        "metadata": {
            "filter_metadata": {METADATA: {"version": msgspec.to_builtins(version), "spoken": spoken}}
        },
    }


def version_of(cluster: dict[str, Any]) -> Version:
    """The version that `cluster` was built for. Raises KeyError or msgspec.ValidationError for a stranger's."""
    return msgspec.convert(cluster["metadata"]["filter_metadata"][METADATA]["version"], Version)


def unasked(cluster: dict[str, Any]) -> bool:
    """True when nobody was there to be asked what is spoken, when `cluster` was built."""
    return bool(cluster["metadata"]["filter_metadata"][METADATA].get("spoken") == "")


def _connection(rules: ProxyRules) -> dict[str, Any]:
    common: dict[str, Any] = {
        "max_headers_count": HEADERS_MAX,
        "max_response_headers_kb": kib(rules.head_max_bytes),
    }
    if rules.instance_idle_s is None:
        return common | {"max_requests_per_connection": 1}
    return common | {"idle_timeout": seconds(rules.instance_idle_s)}


def _protocol(declared: UpstreamProtocol, spoken: Spoken) -> dict[str, Any]:
    """An application that speaks both is spoken to as its client speaks to us."""
    if declared == "auto" and spoken == "both":
        return {"use_downstream_protocol_config": {**_HTTP1, **_HTTP2}}
    http2 = declared == "h2c" or (declared == "auto" and spoken == "h2c")
    return {"explicit_http_config": _HTTP2 if http2 else _HTTP1}
