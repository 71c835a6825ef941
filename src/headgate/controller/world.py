"""Everything outside that the controller acts on, as one value that `wiring` builds."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from headgate.controller.sources import no_sources
from headgate.core.model import Source
from headgate.ports import Gate, Signals, Target, Traffic


@dataclass(frozen=True)
class Patience:
    """How long and how often the controller tries, per kind of call. Seconds, unless the name says otherwise.

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


async def _nothing() -> None:
    """Nothing is held open."""


@dataclass(frozen=True)
class World:
    """The ports. `signals[0]` measures the traffic itself; the others add to it.

    `open_source` opens a source that a leg declares: the same one again for the same declaration. Raises PortError.
    `close` lets go of everything that is held open.
    """

    target: Target
    traffic: Traffic
    signals: tuple[Signals, ...]
    gates: Mapping[str, Gate] = field(default_factory=dict[str, Gate])
    always_asked: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)
    open_source: Callable[[Source], Signals] = no_sources
    close: Callable[[], Awaitable[None]] = _nothing
