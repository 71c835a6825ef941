"""What is believed of the client: a trusted hop's word is passed on, anybody else's is replaced. A pure builder.

Two filter chains of one listener, told apart by the address that a connection comes from: the trusted one leaves what
proxies say of the client as it is, the other takes it away first. Both append the address to X-Forwarded-For, and both
take away what would steer Envoy itself (retries, time-outs), whoever sent it.
"""

import ipaddress
from collections.abc import Sequence
from typing import Any

from headgate.ports.errors import Permanent

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
