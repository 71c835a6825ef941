"""The world of a controller: everything outside that it acts on, as one value that `wiring` builds."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from headgate.controller.sources import no_sources
from headgate.core.model import Placed, Source
from headgate.ports import Gate, Signals
from headgate.ports.platform import Platform, Platforms
from headgate.ports.retreat import Retreated


@dataclass(frozen=True)
class Patience:
    """How long and how often the controller tries, per kind of call. Seconds, unless the name says otherwise.

    `back_retry_s` is the longest wait between two tries to bring users back, which has no last try.
    `beside_s` is what sources have that do not measure the traffic itself, or an interval where that is longer.
    `abandon_s` is how long an order that was abandoned may take to end before the next one to the same thing begins.
    """

    prepare_s: float = 900.0
    routing_s: float = 10.0
    check_s: float = 120.0
    stop_s: float = 300.0
    signal_s: float = 2.0
    beside_s: float = 1.0
    gate_s: float = 60.0
    abandon_s: float = 5.0
    attempts: int = 5
    first_retry_s: float = 0.2
    last_retry_s: float = 5.0
    back_retry_s: float = 1.0


class Retreats(Protocol):
    """Word of traffic that was taken back while no controller answered."""

    def read(self) -> tuple[Retreated, ...]:
        """Every retreat that no controller has dealt with."""
        ...

    def clear(self, releases: Collection[str]) -> None:
        """Forget those of `releases`. Raises OSError."""
        ...


class NoRetreats:
    """Nobody takes traffic back but a controller."""

    def read(self) -> tuple[Retreated, ...]:
        """See Retreats."""
        return ()

    def clear(self, releases: Collection[str]) -> None:
        """See Retreats."""


def _no_metrics(_: str) -> tuple[Signals, ...]:
    """No service has metrics of its own."""
    return ()


async def _nothing() -> None:
    """Nothing is held open."""


@dataclass(frozen=True)
class World:
    """The ports. Each unit has those of its platform; the rest is the home's.

    `service` reads the services' own metrics on the platform of this name, which add to what its `signals` measure.
    `retreats` knows of traffic that was taken back while no controller answered.
    `open_source` opens a source that a leg on the platform of this name declares: the same one again for the same
    declaration. Raises PortError.
    `close` lets go of everything that is held open.
    """

    platforms: Platforms
    gates: Mapping[str, Gate] = field(default_factory=dict[str, Gate])
    always_asked: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)
    retreats: Retreats = field(default_factory=NoRetreats)
    service: Callable[[str], tuple[Signals, ...]] = _no_metrics
    open_source: Callable[[Source, str], Signals] = no_sources
    close: Callable[[], Awaitable[None]] = _nothing

    def of(self, placed: Placed) -> Platform:
        """Target, traffic and signals of a unit's platform, as it is on record. Raises Permanent: it is not here."""
        return self.platforms.at(placed)

    def signals(self, placed: Placed) -> tuple[Signals, ...]:
        """What measures a unit; the first measures the traffic itself. Raises Permanent."""
        return (*self.of(placed).signals, *self.service(placed.platform))
