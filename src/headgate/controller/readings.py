"""What the sources of signals say of one version now, merged; whatever makes no sense is unknown, with its reason."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from headgate.controller.plain import plain
from headgate.core.model import Arm, Version
from headgate.ports import PortError, Signals


@dataclass(frozen=True)
class Reading:
    """An arm's counters, None where the first source could not give them; `problems` says why anything is missing."""

    arm: Arm | None
    problems: tuple[str, ...] = ()


async def read_arm(sources: Sequence[Signals], version: Version, limit_s: float) -> Reading:
    """Ask all sources side by side. The first one measures the traffic: without it, the arm is unknown."""
    answers = await asyncio.gather(*(_ask(source, version, limit_s) for source in sources))
    arms = [answer for answer in answers if isinstance(answer, Arm)]
    problems = tuple(answer for answer in answers if isinstance(answer, str))
    return Reading(merged(arms) if answers and isinstance(answers[0], Arm) else None, problems)


def merged(arms: Sequence[Arm]) -> Arm:
    """What several sources know of one arm, as one: the first that counts requests, and everybody's means."""
    counting = next((arm for arm in arms if arm.requests or arm.latency_ms), arms[0])
    means = {name: mean for arm in arms for name, mean in arm.means.items()}
    return replace(counting, means=means)


def nonsense(arm: Arm) -> str:
    """Why a reading cannot be true; empty when it can."""
    counted = [arm.requests, arm.errors]
    counted += [n for one in arm.instances.values() for n in (one.requests, one.errors)]
    counted += [mean.n for mean in arm.means.values()]
    measured = [mean.sum for mean in arm.means.values()]
    if arm.latency_ms is not None:
        counted += arm.latency_ms.count
        measured += arm.latency_ms.le
    if not all(n >= 0 for n in counted):
        return "a counter that is no count"
    if not all(map(math.isfinite, measured)):
        return "a value that is no number"
    return ""


async def _ask(source: Signals, version: Version, limit_s: float) -> Arm | str:
    name = type(source).__name__
    try:
        async with asyncio.timeout(limit_s):
            arm = await source.read(version)
        wrong = nonsense(arm)
    except TimeoutError:
        return f"no answer for {version} within {limit_s:g} s"
    except PortError as error:
        return plain(str(error))
    except Exception as error:  # noqa: BLE001 - a fault in a plugin is unknown, and must not blind the release
        return plain(f"{name} broke down: {type(error).__name__}: {error}")
    return f"{name} gave {wrong} for {version}" if wrong else arm
