"""Where units run, and how their traffic is moved and measured: the port that `headgate.platforms` plugins implement.

A plugin's factory takes a `Wires` and returns a `Platform`. Making one asks nobody and starts nothing: every controller
makes each that is installed. `headgate.testing.platform` has the suite that each passes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headgate.core.drift import Part
from headgate.core.model import Listener, Placed, Routing, Unit, Version
from headgate.ports.errors import Permanent, PortError
from headgate.ports.guard import Guard
from headgate.ports.processes import ProcessStatus, Program
from headgate.ports.retreat import Retreated
from headgate.ports.signals import Signals
from headgate.ports.target import Instance, Target
from headgate.ports.traffic import Traffic


class Sight(Protocol):
    """What `status` asks of a unit, each time: so it loads little, and answers soon."""

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        """See Target."""
        ...

    async def observed(self, unit: Unit) -> Routing | None:
        """See Traffic."""
        ...

    def reached(self, listener: Listener) -> Listener | None:
        """Where this host reaches what listens there; None: it does not, and nothing is asked at the public port."""
        ...


class Upkeep(Protocol):
    """What a home does for a platform, and asks of it, beside releases. This one needs nothing of this host."""

    @property
    def programs(self) -> tuple[Program, ...]:
        """What the home's process daemon shall keep running for it, from `headgate up` on."""
        return ()

    @property
    def guards(self) -> tuple[Guard, ...]:
        """What is looked after all the time, whether or not a controller runs."""
        return ()

    async def retreat(self, reason: str) -> Sequence[Retreated]:
        """Nobody steers, for `reason`: take each exposed canary off the traffic, without ledger and controller.

        Returns what was moved. Raises PortError where a canary may still be exposed.
        """
        return ()

    @property
    def metrics(self) -> Signals | None:
        """What reads the services' own metrics, in a process that may wait for them; None: nothing does."""
        return None

    async def ready(self) -> bool:
        """Whether its data plane serves at all. Raises PortError, which says why it cannot be asked."""
        return True

    def parts(
        self, programs: Mapping[str, ProcessStatus] | None, *, ready: bool | None, why: str
    ) -> tuple[Part, ...]:
        """What it stands on, as far as that is told apart; none: it is well where it is `ready`.

        `programs` are what the home's process daemon runs, by name; None: it does not answer. `ready` is as above;
        None: that is unknown, and `why` says more.
        """
        return ()

    def shared(self, unit: Unit) -> Path | None:
        """The folder on this host that all versions of a unit share, whether or not it is there yet; None: none is."""
        return None

    def forget(self) -> None:
        """The home is at another place now: forget whatever was written down in it of what runs. Raises OSError."""

    async def aclose(self) -> None:
        """Let go of what is held open; what runs goes on."""


class Platform(Upkeep, Protocol):
    """One platform of a home. The `signals` are asked side by side; the first one measures the traffic itself.

    They are read in the controller's process, which waits for nobody: what asks other systems is a declared source.
    """

    @property
    def target(self) -> Target:
        """What runs versions."""
        ...

    @property
    def traffic(self) -> Traffic:
        """What routes users to them."""
        ...

    @property
    def signals(self) -> tuple[Signals, ...]:
        """What measures them: at least one."""
        ...

    @property
    def sight(self) -> Sight:
        """What answers how a unit is."""
        ...

    def arm(self, version: Version) -> str:
        """What the traffic's own statistics call a version, for sources that have them from there."""
        ...


@dataclass(frozen=True)
class Made(Upkeep):
    """A platform of ports that exist already, and that this host does nothing for."""

    target: Target
    traffic: Traffic
    signals: tuple[Signals, ...]

    def forget(self) -> None:
        """Nothing is written down."""

    async def aclose(self) -> None:
        """Nothing is held open."""

    @property
    def sight(self) -> Sight:
        """Both, as they are."""
        return _Both(self.target, self.traffic)

    def arm(self, version: Version) -> str:
        """The version's own name."""
        return str(version)


@dataclass(frozen=True)
class _Both:
    target: Target
    traffic: Traffic

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        return await self.target.inspect(version)

    async def observed(self, unit: Unit) -> Routing | None:
        return await self.traffic.observed(unit)

    def reached(self, listener: Listener) -> Listener | None:
        return None


class Platforms:
    """The platforms of a home by name, each made when it is first asked for.

    `names` gives those that are installed, `create` makes one and raises Permanent, each time anew until it succeeds.
    """

    def __init__(self, names: Callable[[], Sequence[str]], create: Callable[[str], Platform]) -> None:
        self._names = names
        self._create = create
        self._made: dict[str, Platform] = {}

    @classmethod
    def of(cls, made: Mapping[str, Platform]) -> "Platforms":
        """Platforms that exist already."""

        def create(name: str) -> Platform:
            if name not in made:
                known = ", ".join(sorted(made)) or "none"
                raise Permanent(f"there is no platform `{name}` (known: {known})")
            return made[name]

        return cls(lambda: tuple(made), create)

    def open(self, name: str) -> Platform:
        """The platform of this name. Raises Permanent when it is not installed, or cannot be made."""
        if name not in self._made:
            self._made[name] = self._create(name)
        return self._made[name]

    def at(self, placed: Placed) -> Platform:
        """The platform of a unit, as it is on record. Raises Permanent, with the unit's name."""
        try:
            return self.open(placed.platform)
        except Permanent as error:
            raise Permanent(f"{placed.unit} is of the platform `{placed.platform}`: {error}") from error

    def installed(self) -> Iterator[tuple[str, Platform]]:
        """Each that can be made, by name; one that cannot concerns only the units that it has."""
        for name in self._names():
            try:
                yield name, self.open(name)
            except PortError:
                continue

    async def aclose(self) -> None:
        """Let go of all that was made."""
        for platform in self._made.values():
            await platform.aclose()

    def made(self) -> tuple[Platform, ...]:
        """The platforms that were asked for."""
        return tuple(self._made.values())
