"""Which addresses may be connected to: a table of ranges, and what the home allows beside it. Pure, no network.

What the host's owner declared may reach what is near the host; what came in by the front door may not, unless the home
allows it (`headgate up --reach`). Nobody reaches a cloud's metadata, and nothing that is no single machine's address,
unless just that range is allowed.

Sources: IANA, "IPv4 Special-Purpose Address Registry" and "IPv6 Special-Purpose Address Registry" (RFC 6890); for
addresses in addresses: RFC 4291 (mapped, compatible), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 6052 (NAT64).
"""

import ipaddress
import re
import shlex
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NEVER: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("fe80::/10", "link-local"),
        ("fd00:ec2::254/128", "a cloud's metadata"),
        ("100.100.100.200/32", "a cloud's metadata"),
        ("192.0.0.192/32", "a cloud's metadata"),
        ("168.63.129.16/32", "a cloud's metadata"),
        ("0.0.0.0/8", "unspecified"),
        ("::/128", "unspecified"),
        ("224.0.0.0/4", "multicast"),
        ("ff00::/8", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)
"""Out of everybody's reach; a range within one of these may be allowed, a wider one does not allow them."""

NEAR: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("127.0.0.0/8", "loopback"),
        ("::1/128", "loopback"),
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("100.64.0.0/10", "shared by a carrier's customers"),
        ("198.18.0.0/15", "for benchmarks"),
        ("192.0.0.0/24", "for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("192.88.99.0/24", "for relays"),
        ("fc00::/7", "private"),
        ("fec0::/10", "private"),
        ("2001:db8::/32", "for documentation"),
    )
)
"""Out of reach for what came in by the front door."""

SOCKET = "a unix socket is the host's own, and out of reach for what was declared by the front door"

_ALL_6 = IPv6Network("::/0")
_PUBLIC_6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_NAME = re.compile(r"(?!.*\.\.)[a-z0-9_][a-z0-9._-]{0,252}")
_AS_NUMBER = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)


@dataclass(frozen=True)
class Bounds:
    """How far connections may go. `networks` and `names` (of hosts) are what the home allows.

    `public`: they are for what came in by the front door.
    """

    networks: tuple[Network, ...] = ()
    names: frozenset[str] = frozenset()
    public: bool = False

    def narrowed(self) -> "Bounds":
        """The same for what came in by the front door."""
        return replace(self, public=True)

    def objection(self, address: str, name: str = "") -> str:
        """Why `address`, to which `name` resolves, may not be connected to; empty: it may. Raises ValueError."""
        found = ipaddress.ip_address(address)
        return next(filter(None, (self._objection(one, address, name) for one in meant(found))), "")

    def _objection(self, one: Address, address: str, name: str) -> str:
        shown = address if str(one) == address else f"{address}, that is {one},"
        if (never := _never(one)) is not None:
            network, what = never
            if any(_within(allowed, network) and one in allowed for allowed in self.networks):
                return ""
            return f"{shown} is {what} ({network}); only `headgate up --reach {one}` lets anybody there"
        near = _row(NEAR, one) if self.public else None
        if near is None or _plain(name) in self.names or any(one in allowed for allowed in self.networks):
            return ""
        network, what = near
        return (
            f"{shown} is {what} ({network}), and out of reach for what was declared by the front door; the owner of "
            f"the host may allow it: `headgate up --reach {shlex.quote(name or str(one))}`, or a range"
        )


def bounds_of(allowed: Iterable[str]) -> Bounds:
    """Bounds that allow these ranges (`10.0.0.0/8`), addresses and names. Raises ValueError."""
    networks: list[Network] = []
    names: set[str] = set()
    for text in allowed:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as error:
            if "host bits" in str(error):
                wide = ipaddress.ip_network(text, strict=False)
                raise ValueError(f"{text!r} is no range: {wide} is meant, or a single address") from None
            names.add(_name(text))
    return Bounds(tuple(networks), frozenset(names))


def meant(address: Address) -> tuple[Address, ...]:
    """Where a connection to `address` ends: itself, or the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    low = int(address) & 0xFFFFFFFF
    if address in _NAT64 or (address in _COMPATIBLE and low > 1):
        return (IPv4Address(low),)
    return (address,)


def literal(host: str) -> str:
    """The address that `host` spells, if it spells one: also with brackets, as one number, in octal and hex.

    Empty: it is a name, which somebody must resolve.
    """
    plain = _plain(host.strip().removeprefix("[").removesuffix("]"))
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(plain)) if _AS_NUMBER.fullmatch(plain) else ""
    except OSError:
        return ""


def known(host: str) -> str:
    """The address of `host` where nobody needs to be asked for it: what it spells, and that of `localhost`."""
    plain = _plain(host)
    return "127.0.0.1" if plain == "localhost" or plain.endswith(".localhost") else literal(host)


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _name(text: str) -> str:
    name = _plain(text)
    if spelt := literal(name):
        raise ValueError(f"{text!r} cannot be allowed: is {spelt} meant?")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{text!r} cannot be allowed: it is a range (10.0.0.0/8), an address or a host's name"
        )
    return name


def _never(address: Address) -> tuple[Network, str] | None:
    """What puts `address` out of everybody's reach. IPv6 knows no other public range than one: the rest is reserved."""
    found = _row(NEVER, address)
    if found is None and isinstance(address, IPv6Address) and address not in _PUBLIC_6:
        return None if _row(NEAR, address) else (_ALL_6, "reserved")
    return found


def _row(table: Iterable[tuple[Network, str]], address: Address) -> tuple[Network, str] | None:
    return next(((network, what) for network, what in table if address in network), None)


def _within(allowed: Network, network: Network) -> bool:
    if isinstance(allowed, IPv4Network) and isinstance(network, IPv4Network):
        return allowed.subnet_of(network)
    if isinstance(allowed, IPv6Network) and isinstance(network, IPv6Network):
        return allowed.subnet_of(network)
    return False
