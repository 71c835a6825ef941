"""Readings of one version, merged from its sources; whatever makes no sense is unknown, with its reason."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from headgate.controller.plain import plain
from headgate.controller.sources import Opening
from headgate.core.model import Arm, Version
from headgate.ports import PortError, Signals


@dataclass(frozen=True)
class Reading:
    """An arm's counters, None where whoever measures could not give them; `problems` says why anything is missing."""

    arm: Arm | None
    problems: tuple[str, ...] = ()


async def read_arm(
    sources: Sequence[Signals],
    version: Version,
    limit_s: float,
    measuring: int = 0,
    beside_s: float | None = None,
) -> Reading:
    """Ask all sources side by side; the one at index `measuring` measures the traffic: without it, the arm is unknown.

    Of the others come the means, whatever else they count; they have `beside_s` (None: as long as the first), for what
    the traffic says must not wait for them.
    """
    limits = [limit_s if at == measuring or beside_s is None else beside_s for at in range(len(sources))]
    asked = zip(sources, limits, strict=True)
    answers = await asyncio.gather(*(_ask(source, version, within_s) for source, within_s in asked))
    problems = tuple(answer for answer in answers if isinstance(answer, str))
    measured = answers[measuring] if answers else None
    if not isinstance(measured, Arm):
        return Reading(None, problems)
    return Reading(merged(measured, [answer for answer in answers if isinstance(answer, Arm)]), problems)


def merged(measured: Arm, arms: Sequence[Arm]) -> Arm:
    """What several sources know of one arm: what was measured, and everybody's means and gauges, the first's first."""
    means = {name: mean for arm in reversed(arms) for name, mean in arm.means.items()}
    gauges = {name: shown for arm in reversed(arms) for name, shown in arm.gauges.items()}
    return replace(measured, means=means, gauges=gauges)


def nonsense(arm: Arm) -> str:
    """Why a reading cannot be true; empty when it can."""
    counted = [arm.requests, arm.errors]
    counted += [n for one in arm.instances.values() for n in (one.requests, one.errors)]
    counted += [mean.n for mean in arm.means.values()]
    measured = [mean.sum for mean in arm.means.values()]
    measured += [shown for instances in arm.gauges.values() for shown in instances.values()]
    if arm.latency_ms is not None:
        counted += arm.latency_ms.count
        measured += arm.latency_ms.le
    if not all(n >= 0 for n in counted):
        return "a counter that is no count"
    if not all(map(math.isfinite, measured)):
        return "a value that is no number"
    return ""


async def _ask(source: Signals, version: Version, limit_s: float) -> Arm | str:
    name = type(source).__name__ if not isinstance(source, Opening) else str(source)
    try:
        async with asyncio.timeout(limit_s):
            arm = await source.read(version)
        wrong = nonsense(arm)
    except TimeoutError:
        return f"{f'{name}: ' if isinstance(source, Opening) else ''}no answer for {version} within {limit_s:g} s"
    except PortError as error:
        return plain(str(error))
    except Exception as error:  # noqa: BLE001 - a fault in a plugin is unknown, and must not blind the release
        return plain(f"{name} broke down: {type(error).__name__}: {error}")
    return f"{name} gave {wrong} for {version}" if wrong else arm
