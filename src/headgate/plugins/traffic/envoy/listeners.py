"""Where a unit is reached. A pure builder: nothing here depends on weights, so changing them touches no listener."""

from typing import Any

from headgate.core.model import Listener, Unit
from headgate.plugins.traffic.envoy.bootstrap import Options, file_source, seconds
from headgate.plugins.traffic.envoy.endpoints import socket_address
from headgate.plugins.traffic.envoy.names import preview_name, unit_name
from headgate.plugins.traffic.envoy.routes import CLIENT_HEADER

_LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
_HTTP = "envoy.filters.network.http_connection_manager"
_HTTP_TYPE = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
_ROUTER_TYPE = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
_EARLY = "envoy.http.early_header_mutation.header_mutation"
_EARLY_TYPE = (
    "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
)


def listeners(unit: Unit, listener: Listener, *, routes_file: str, options: Options) -> list[dict[str, Any]]:
    """The unit's own listener and, if it has a preview port, the one that reaches the canary directly."""
    source = {"config_source": file_source(routes_file), "route_config_name": unit_name(unit)}
    address = socket_address(listener.host, listener.port)
    built = [_listener(unit_name(unit), address, source, _early(), options)]
    if listener.preview_port is not None:
        address = socket_address(listener.host, listener.preview_port)
        early = _early((listener.preview_header, "canary"))
        built.append(_listener(preview_name(unit), address, source, early, options))
    return built


def _early(*headers: tuple[str, str]) -> list[dict[str, Any]]:
    """Sets headers before a route is chosen: a name for a new client, and on the preview port the preview header."""
    mutations = [
        {"append": {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for key, value in ((CLIENT_HEADER, "%UNIQUE_ID%"), *headers)
    ]
    return [{"name": _EARLY, "typed_config": {"@type": _EARLY_TYPE, "mutations": mutations}}]


def _listener(
    name: str, address: dict[str, Any], routes: dict[str, Any], early: list[dict[str, Any]], options: Options
) -> dict[str, Any]:
    router = {"@type": _ROUTER_TYPE, "suppress_envoy_headers": True, "dynamic_stats": True}
    http = {
        "@type": _HTTP_TYPE,
        "stat_prefix": name,
        "codec_type": "AUTO",
        "rds": routes,
        "early_header_mutation_extensions": early,
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "use_remote_address": True,  # appends the client's own address to x-forwarded-for
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "http_protocol_options": {"accept_http_10": True},
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "request_headers_timeout": "60s",
        "stream_idle_timeout": seconds(options.stream_idle_s),
    }
    return {
        "@type": _LISTENER,
        "name": name,
        "address": address,
        # With SO_REUSEPORT a second Envoy could quietly take half of this one's connections.
        "enable_reuse_port": False,
        "filter_chains": [{"filters": [{"name": _HTTP, "typed_config": http}]}],
    }
