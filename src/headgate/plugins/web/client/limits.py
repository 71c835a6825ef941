"""Every bound on what is sent and awaited."""

from dataclasses import dataclass

from headgate.ports.web import BODY_MAX_BYTES


@dataclass(frozen=True)
class Limits:
    """Bounds of the web, for each origin (scheme, host, port) by itself.

    A request is sent at most `attempts` times; with its pauses and its waiting for a connection it takes at most
    `overall_times` its `timeout_s`. A pause is drawn at random up to `pause_first_s`, doubling up to `pause_max_s`.
    `connections` requests are under way at once and `waiting` more may wait. After `failures` in a row the origin is
    left alone for `open_s`, then one request tries. A `Retry-After` is heeded up to `retry_after_max_s`.
    """

    attempts: int = 3
    overall_times: float = 2.0
    pause_first_s: float = 0.1
    pause_max_s: float = 2.0
    connections: int = 4
    waiting: int = 256
    failures: int = 5
    open_s: float = 10.0
    retry_after_max_s: float = 300.0
    redirects: int = 3
    origins: int = 256
    body_max_bytes: int = BODY_MAX_BYTES
    keep_alive_s: float = 30.0
