"""Versions as clusters. A pure builder."""

import ipaddress
from collections.abc import Iterable
from typing import Any

import msgspec

from headgate.core.model import ProxyRules, UpstreamProtocol, Version
from headgate.plugins.traffic.envoy.bootstrap import HEADERS_MAX, Options, file_source, kib, seconds
from headgate.plugins.traffic.envoy.names import cluster_name
from headgate.plugins.traffic.envoy.spoken import Spoken
from headgate.ports.errors import Permanent

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


# Instances as endpoints. A pure builder.

_ASSIGNMENT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


def socket_address(host: str, port: int) -> dict[str, Any]:
    """An address for Envoy, which takes no names: `localhost` is 127.0.0.1. Raises Permanent for any other name."""
    literal = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        ipaddress.ip_address(literal)
    except ValueError:
        raise Permanent(f"the proxy needs an IP address, not the name {host!r}") from None
    return {"socket_address": {"address": literal, "port_value": port}}


def address_of(address: dict[str, Any]) -> str:
    """The `host:port` of an address as Envoy has it."""
    found = address["socket_address"]
    host = found["address"]
    return f"[{host}]:{found['port_value']}" if ":" in host else f"{host}:{found['port_value']}"


def endpoints(cluster: str, addresses: Iterable[str], draining: Iterable[str] = ()) -> dict[str, Any]:
    """The instances of one version: `addresses` get requests, `draining` finish those they have."""
    healthy = [_endpoint(address, "HEALTHY") for address in sorted(set(addresses))]
    leaving = [_endpoint(address, "DRAINING") for address in sorted(set(draining) - set(addresses))]
    return {
        "@type": _ASSIGNMENT,
        "cluster_name": cluster,
        "endpoints": [{"lb_endpoints": healthy + leaving}],
    }


def _endpoint(address: str, health: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise Permanent(f"{address!r} is not an instance's address: expected host:port")
    return {"endpoint": {"address": socket_address(host, int(port))}, "health_status": health}
