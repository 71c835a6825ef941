"""Addresses that load may go to: this machine, and nowhere else."""

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit


class NotLoopbackError(ValueError):
    """The address is not on this machine's loopback interface."""


class Address(NamedTuple):
    """A loopback address. `prefix` is the path before every path ("" or "/shop"); `authority` is the Host header."""

    host: str
    port: int
    prefix: str
    authority: str


def parse_address(url: str) -> Address:
    """The address in `url`, such as http://127.0.0.1:8080; nothing is looked up.

    Raises `NotLoopbackError` for a host that is not 127.0.0.0/8, ::1 or localhost, and `ValueError` for what
    is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"expected a URL like http://127.0.0.1:8080, not {url!r}")
    if parts.query or parts.fragment:
        raise ValueError(f"the URL is where paths begin: it has no query and no fragment, unlike {url!r}")
    authority = parts.netloc.rpartition("@")[2]
    return Address(_loopback(parts.hostname), parts.port or 80, parts.path.rstrip("/"), authority)


def _loopback(host: str) -> str:
    # `localhost` is not asked of a resolver: a wrong hosts file must not turn load on somebody else.
    name = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.ip_address(name).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopbackError(
            f"load goes to loopback addresses only (127.0.0.0/8, ::1, localhost), not to {host!r}"
        )
    return name
