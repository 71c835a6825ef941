"""Where a unit is reached. A pure builder: nothing here depends on weights, so changing them touches no listener."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from headgate.core.model import Listener, ProxyRules, Unit
from headgate.plugins.traffic.envoy.bootstrap import HEADERS_MAX, file_source, kib, limit
from headgate.plugins.traffic.envoy.clusters import socket_address
from headgate.plugins.traffic.envoy.names import preview_name, unit_name
from headgate.plugins.traffic.envoy.routes import CLIENT_HEADER
from headgate.ports.errors import Permanent

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


# What is believed of the client: a trusted hop's word is passed on, anybody else's is replaced. A pure builder.
#
# Two filter chains of one listener, told apart by the address that a connection comes from: the trusted one leaves what
# proxies say of the client as it is, the other takes it away first. Both append the address to X-Forwarded-For, and
# both take away what would steer Envoy itself (retries, time-outs), whoever sent it.

CLAIMS = (
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-protocol",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-real-ip",
    "front-end-https",
)
"""The headers by which proxies say who the client is and what it asked for (RFC 7239, and the usual ones before it)."""

_EARLY = "envoy.http.early_header_mutation.header_mutation"
_EARLY_TYPE = (
    "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
)
_STEERING = {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}}


def mutations(*, trusted: bool, headers: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """What is done to the headers of a request before a route is chosen; `headers` are set."""
    taken = [] if trusted else [{"remove": name} for name in CLAIMS]
    # Envoy itself would append an address of this host for a client on it, which may be a public one.
    hop = ("x-forwarded-for", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%")
    found = [
        _STEERING,
        *taken,
        _set(*hop, "APPEND_IF_EXISTS_OR_ADD"),
        *(_set(key, value, "OVERWRITE_IF_EXISTS_OR_ADD") for key, value in headers),
    ]
    return [{"name": _EARLY, "typed_config": {"@type": _EARLY_TYPE, "mutations": found}}]


def belief(*, trusted: bool) -> dict[str, Any]:
    """The fields of the connection manager that keep what a trusted hop says, or do not."""
    return {
        "use_remote_address": True,  # the scheme of whoever is not trusted is the connection's own
        "skip_xff_append": True,  # done by `mutations`
        "xff_num_trusted_hops": 1 if trusted else 0,
    }


def from_networks(networks: Sequence[str]) -> dict[str, Any]:
    """Connections that come from one of these networks. Raises Permanent for what is none."""
    try:
        parsed = [ipaddress.ip_network(one) for one in networks]
    except ValueError as error:
        raise Permanent(f"`proxy.trusted` holds what is no network: {error}") from None
    ranges = [{"address_prefix": str(one.network_address), "prefix_len": one.prefixlen} for one in parsed]
    return {"direct_source_prefix_ranges": ranges}


def _set(key: str, value: str, action: str) -> dict[str, Any]:
    return {"append": {"header": {"key": key, "value": value}, "append_action": action}}
