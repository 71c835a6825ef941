"""How the proxy treats a unit's requests: whom it believes, how long it waits, what it speaks, what it refuses."""

from typing import Literal

import msgspec

PRIVATE = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)
"""Loopback, private (RFC 1918, RFC 4193) and link-local addresses: where a proxy in front usually is."""

UpstreamProtocol = Literal["auto", "http1", "h2c"]
"""What instances are spoken to: `h2c` is HTTP/2 without TLS, also gRPC's; `auto` is what they answer to."""


class TimeLimits(msgspec.Struct, frozen=True):
    """How long one request may take; None: no limit.

    `answer_s` counts from the whole request to the head of the answer, and is the instance's fault: 504. `idle_s` is
    the longest silence of both sides; before an answer it is the instance's fault, too. `total_s` is from the whole
    request to the end of the answer.
    """

    answer_s: float | None = 120.0
    idle_s: float | None = 3600.0
    total_s: float | None = None


class PathLimits(msgspec.Struct, frozen=True):
    """The limits of requests whose path is `prefix` or below it."""

    prefix: str
    limits: TimeLimits


class ProxyRules(msgspec.Struct, frozen=True):
    """How the proxy treats the requests to one unit.

    `trusted` are the networks (CIDR) whose word about the client is passed on. `head_max_bytes` bounds the head of a
    request and of an answer, `body_max_bytes` the body of a request (None: no limit). `upgrades` are the protocols
    that a connection may change to. `client_idle_s` and `instance_idle_s` say how long an unused connection is kept;
    None keeps a client's for ever and an instance's not at all. `default_host` is the Host of an HTTP/1.0 request that
    has none.
    """

    trusted: tuple[str, ...] = PRIVATE
    protocol: UpstreamProtocol = "auto"
    limits: TimeLimits = TimeLimits()
    paths: tuple[PathLimits, ...] = ()
    head_max_bytes: int = 65_536
    body_max_bytes: int | None = None
    upgrades: tuple[str, ...] = ("websocket",)
    client_idle_s: float | None = 3600.0
    instance_idle_s: float | None = 1.5
    default_host: str = "localhost"
