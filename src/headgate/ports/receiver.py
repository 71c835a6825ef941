"""A receiver of what other systems send by themselves: bytes in, an answer out. Plugins know no web.

A plugin that waits for deliveries asks `Wires.serve` for the receiver at an address. Whoever implements that owns the
listener, the time and the size of every delivery and how many are under way at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

DELIVERY_MAX_BYTES = 8 * 1024 * 1024
"""The largest delivery that is taken, packed or unpacked."""


@dataclass(frozen=True)
class Delivery:
    """One delivery, unpacked: `path` is where it was sent to, `content_type` in lower case, without parameters."""

    path: str
    content_type: str
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """The answer to a delivery: an HTTP status, what to say, and headers (names in lower case)."""

    status: int
    content_type: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Receiver(Protocol):
    """Takes deliveries of one protocol."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Where deliveries of this protocol are sent to."""
        ...

    async def receive(self, delivery: Delivery) -> Reply:
        """Take it, or say why not. Never raises for what is in it."""
        ...

    def refuse(self, delivery: Delivery, status: int, reason: str) -> Reply:
        """The protocol's own words for a delivery that was turned away before it was whole; its body is empty."""
        ...


R = TypeVar("R", bound=Receiver)


class Serve(Protocol):
    """Gives out receivers by the address where they listen."""

    def __call__(self, listen: str, protocol: str, make: Callable[[], R]) -> R:
        """The receiver of this protocol at `listen` (`127.0.0.1:4318`, `[::1]:4318`), made by `make` if there is none.

        All sources that name the same address share it, and it listens until the controller ends. Raises Temporary
        when the address cannot be had now, Permanent when it is none.
        """
        ...
