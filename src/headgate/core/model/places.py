"""Which listeners cannot be there at the same time: one port of one address has one owner."""

import shlex
from collections.abc import Collection, Iterator, Mapping

import msgspec

from headgate.core.model import Listener, Unit

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names, nothing is bound
"""Addresses that stand for all of a machine's, each with one at which the machine itself reaches it."""


class Collision(msgspec.Struct, frozen=True):
    """A port that `unit` has already. `declared`: the project file still names that unit; None: nobody says."""

    port: int
    unit: Unit
    declared: bool | None = None

    def sentence(self) -> str:
        """Who has it, and whether they are still wanted."""
        still = {True: ", which headgate.yaml still declares", None: ""}
        gone = ", which runs and is no longer in headgate.yaml"
        return f"port {self.port} is taken by {self.unit}{still.get(self.declared, gone)}"

    def mend(self) -> str:
        """What to do."""
        if self.declared:
            return f"give one of them another port, or `{retire(self.unit)}`"
        return f"`{retire(self.unit)}` stops it and frees the port; or listen at another one"


def retire(unit: Unit) -> str:
    """The command that stops a unit for good."""
    return f"headgate retire {named(unit)}"


def named(unit: Unit) -> str:
    """How a command names a unit, ready to be copied into a shell: what others named is a word there, and no more."""
    return shlex.join(("-e", unit.environment, unit.service))


def collision(
    unit: Unit,
    wanted: Listener,
    taken: Mapping[Unit, Collection[Listener]],
    declared: Collection[Unit] | None = None,
) -> Collision | None:
    """Who of the others already has a port that `wanted` needs; None: it is free, as far as the home goes."""
    for other, listeners in taken.items():
        if other == unit:
            continue
        port = next((port for one in listeners for port in _shared(wanted, one)), None)
        if port is not None:
            return Collision(port, other, None if declared is None else other in declared)
    return None


def reached_at(host: str) -> str:
    """The address at which a listener at `host` is reached from this machine."""
    return EVERYWHERE.get(host, host)


def ports(listener: Listener) -> tuple[int, ...]:
    """The ports that a listener holds."""
    preview = () if listener.preview_port is None else (listener.preview_port,)
    return (listener.port, *preview)


def _shared(one: Listener, other: Listener) -> Iterator[int]:
    if one.host == other.host or one.host in EVERYWHERE or other.host in EVERYWHERE:
        yield from (port for port in ports(one) if port in ports(other))
