"""Instances as endpoints. A pure builder."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from headgate.ports.errors import Permanent

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
