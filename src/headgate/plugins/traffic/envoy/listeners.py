"""Where a unit is reached. A pure builder: nothing here depends on weights, so changing them touches no listener."""

from typing import Any

from headgate.core.model import Listener, ProxyRules, Unit
from headgate.plugins.traffic.envoy.bootstrap import HEADERS_MAX, file_source, kib, limit
from headgate.plugins.traffic.envoy.endpoints import socket_address
from headgate.plugins.traffic.envoy.forwarded import belief, from_networks, mutations
from headgate.plugins.traffic.envoy.names import preview_name, unit_name
from headgate.plugins.traffic.envoy.routes import CLIENT_HEADER

_EVERYWHERE = "::"
_LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
_HTTP = "envoy.filters.network.http_connection_manager"
_HTTP_TYPE = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"

_LATE = {
    "filter": {"response_flag_filter": {"flags": ["UT"]}},
    "body": {
        "inline_string": "The application did not answer within the time of `proxy.timeouts` (docs/proxy.md).\n"
    },
}
"""Whoever sees a 504 learns which key makes it one."""

Headers = tuple[tuple[str, str], ...]


def listeners(unit: Unit, listener: Listener, *, routes_file: str) -> list[dict[str, Any]]:
    """The unit's own listener and, if it has a preview port, the one that reaches the canary directly."""
    source = {"config_source": file_source(routes_file), "route_config_name": unit_name(unit)}
    client: Headers = ((CLIENT_HEADER, "%UNIQUE_ID%"),)
    address = _address(listener.host, listener.port)
    built = [_listener(unit_name(unit), address, source, client, listener.proxy)]
    if listener.preview_port is not None:
        address = _address(listener.host, listener.preview_port)
        preview: Headers = (*client, (listener.preview_header, "canary"))
        built.append(_listener(preview_name(unit), address, source, preview, listener.proxy))
    return built


def _address(host: str, port: int) -> dict[str, Any]:
    """All addresses are those of both families: whoever asks for `::` is not meant to lose half of the clients."""
    address = socket_address(host, port)
    if address["socket_address"]["address"] == _EVERYWHERE:
        address["socket_address"]["ipv4_compat"] = True
    return address


def _listener(
    name: str, address: dict[str, Any], source: dict[str, Any], headers: Headers, rules: ProxyRules
) -> dict[str, Any]:
    chains = [_chain("others", _http(name, source, headers, rules, trusted=False))]
    if rules.trusted:
        trusted = _chain("trusted", _http(name, source, headers, rules, trusted=True))
        chains.insert(0, {**trusted, "filter_chain_match": from_networks(rules.trusted)})
    return {
        "@type": _LISTENER,
        "name": name,
        "address": address,
        # With SO_REUSEPORT a second Envoy could quietly take half of this one's connections.
        "enable_reuse_port": False,
        "filter_chains": chains,
    }


def _chain(name: str, http: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "filters": [{"name": _HTTP, "typed_config": http}]}


def _http(
    name: str, source: dict[str, Any], headers: Headers, rules: ProxyRules, *, trusted: bool
) -> dict[str, Any]:
    return {
        "@type": _HTTP_TYPE,
        "stat_prefix": name,
        "codec_type": "AUTO",
        "rds": source,
        "early_header_mutation_extensions": mutations(trusted=trusted, headers=headers),
        "http_filters": _filters(rules),
        **belief(trusted=trusted),
        # An instance that is spoken to without TLS may refuse a `:scheme` of https; x-forwarded-proto says it.
        "scheme_header_transformation": {"match_upstream": True},
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "common_http_protocol_options": {
            "idle_timeout": limit(rules.client_idle_s),
            "max_headers_count": HEADERS_MAX,
        },
        "max_request_headers_kb": kib(rules.head_max_bytes),
        "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": rules.default_host},
        "http2_protocol_options": {"allow_connect": True},  # web sockets over HTTP/2 (RFC 8441)
        "upgrade_configs": [{"upgrade_type": one} for one in rules.upgrades],
        "request_headers_timeout": "60s",
        "stream_idle_timeout": limit(rules.limits.idle_s),
        "local_reply_config": {"mappers": [_LATE]},
    }


def _filters(rules: ProxyRules) -> list[dict[str, Any]]:
    """What every request passes. Failures of gRPC are counted by their own status, and by that alone."""
    size = {"max_request_bytes": rules.body_max_bytes}
    bounded = [_filter("body_size_limit", "BodySizeLimit", size)] if rules.body_max_bytes is not None else []
    return [
        *bounded,
        _filter("grpc_stats", "FilterConfig", {"stats_for_all_methods": False}),
        _filter(
            "router",
            "Router",
            {
                "suppress_envoy_headers": True,
                "dynamic_stats": True,
                "suppress_grpc_request_failure_code_stats": True,
            },
        ),
    ]


def _filter(name: str, kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_FILTERS}.{name}.v3.{kind}", **settings},
    }
