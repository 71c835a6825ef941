"""Versions as clusters. A pure builder."""

from typing import Any

import msgspec

from headgate.core.model import Version
from headgate.plugins.traffic.envoy.bootstrap import Options, file_source, seconds
from headgate.plugins.traffic.envoy.names import cluster_name

METADATA = "headgate"
_CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
_PROTOCOL = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def cluster(version: Version, *, endpoints_file: str, options: Options) -> dict[str, Any]:
    """The cluster of one version.

    No outlier detection and no health checks: both would take requests from a failing instance and so hide its
    errors from the judge; readiness is the target's business. The panic threshold is 0: an instance that is draining
    gets nothing, also when no other is left.
    """
    name = cluster_name(version)
    limit = options.connections_max
    thresholds = {
        "max_connections": limit,
        "max_pending_requests": limit,
        "max_requests": limit,
        "max_retries": limit,
    }
    protocol: dict[str, Any] = {
        "@type": _PROTOCOL,
        "common_http_protocol_options": {"idle_timeout": seconds(options.upstream_idle_s)},
        "explicit_http_config": {"http_protocol_options": {}},
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
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol
        },
        "metadata": {"filter_metadata": {METADATA: {"version": msgspec.to_builtins(version)}}},
    }


def version_of(cluster: dict[str, Any]) -> Version:
    """The version that `cluster` was built for. Raises KeyError or msgspec.ValidationError for a stranger's."""
    return msgspec.convert(cluster["metadata"]["filter_metadata"][METADATA]["version"], Version)
