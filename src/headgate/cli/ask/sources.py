"""A trial of every source of signals, for every version that runs: what `signals test` prints."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from headgate.cli.errors import Unable, did_you_mean
from headgate.cli.session import Session
from headgate.core.model import Arm, Intent, Source, Unit, Version
from headgate.ledger.projections import ALL_RELEASES, fleet_of
from headgate.ports.errors import PortError
from headgate.ports.signals import Look, Signals

ASK_S = 20.0
"""How long one source may take about one version."""

ArmName = Literal["stable", "canary", "asked for"]


@dataclass(frozen=True)
class Tried:
    """One source and one version: what was asked and answered."""

    unit: Unit
    source: str
    kind: str
    arm: ArmName
    version: str
    looks: tuple[Look, ...]

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return not any(look.problem for look in self.looks)


@runtime_checkable
class _Inspectable(Protocol):
    async def inspect(self, version: Version) -> tuple[Look, ...]:
        """See ports.signals.Inspectable."""
        ...


def versions_of(session: Session, unit: Unit, key: str | None) -> tuple[tuple[ArmName, Version], ...]:
    """What runs of a unit: stable, and the canary of a release under way; or the one with this key. Raises Unable."""
    summaries = session.ledger.summaries(limit=ALL_RELEASES) if session.has_ledger else []
    if key is not None:
        moves = [move for summary in summaries for move in summary.moves if move.unit == unit]
        known = {version.key: version for move in moves for version in (move.before, move.after) if version}
        found = [version for name, version in known.items() if name.startswith(key)]
        if len(found) != 1:
            hint = did_you_mean(key, known) if not found else "write more of it"
            raise Unable(
                f"{'no' if not found else 'more than one'} version of {unit.service} is called `{key}`", hint
            )
        return (("asked for", found[0]),)
    running = fleet_of(session.ledger).get(unit) if session.has_ledger else None
    if running is None:
        return ()
    stable: list[tuple[ArmName, Version]] = [("stable", running.stable)] if running.stable else []
    moving = next((one for one in summaries if one.release == running.in_flight), None)
    canaries = [move.after for move in moving.moves if move.unit == unit] if moving else []
    canary: list[tuple[ArmName, Version]] = [("canary", version) for version in canaries]
    return (*stable, *canary)


def try_sources(
    open_source: Callable[[Source, str], Signals],
    close: Callable[[], Awaitable[None]],
    asked: Iterable[tuple[Intent, Sequence[tuple[ArmName, Version]]]],
) -> tuple[Tried, ...]:
    """Ask every source of every intent about its versions, side by side."""
    each: list[tuple[Intent, Source, ArmName, Version]] = [
        (intent, source, arm, version)
        for intent, versions in asked
        for source in intent.sources
        for arm, version in versions
    ]

    async def all_of_them() -> tuple[Tried, ...]:
        try:
            return tuple(await asyncio.gather(*(_try(open_source, *one) for one in each)))
        finally:
            await close()

    return asyncio.run(all_of_them())


async def _try(
    open_source: Callable[[Source, str], Signals],
    intent: Intent,
    source: Source,
    arm: ArmName,
    version: Version,
) -> Tried:
    looks = await _looks(lambda: open_source(source, intent.platform), version)
    return Tried(intent.unit, source.name, source.kind, arm, version.key, looks)


async def _looks(opened: Callable[[], Signals], version: Version) -> tuple[Look, ...]:
    try:
        signals = opened()
        async with asyncio.timeout(ASK_S):
            if isinstance(signals, _Inspectable):
                return await signals.inspect(version)
            return (Look("everything it reads", told(await signals.read(version))),)
    except TimeoutError:
        return (Look("everything it reads", "no answer", f"nothing within {ASK_S:g} s"),)
    except PortError as error:
        return (Look("everything it reads", "no answer", str(error)),)


def told(arm: Arm) -> str:
    """An arm's counters in a line."""
    parts = [f"{arm.requests:,} requests, {arm.errors:,} errors"] if arm.requests or not arm.means else []
    if arm.latency_ms is not None and arm.latency_ms.count:
        parts.append(f"{arm.latency_ms.count[-1]:,} latencies")
    parts += [f"{name} {mean.sum:,.0f} of {mean.n:,}" for name, mean in sorted(arm.means.items())]
    return ", ".join(parts)
