"""Gauges of the instances' own processes: memory, CPU, threads and open files."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping

import msgspec

from headgate.core.model import Arm, Version
from headgate.ports.errors import Permanent, Temporary
from headgate.ports.registry import settings_of
from headgate.ports.target import GAUGES, Measurable, Usage
from headgate.ports.wires import Wires

VERSIONS_MAX = 64
CPU_LEAST_S = 0.2
"""The clock that processor time is counted by is no finer than 10 ms: over less than this, it says little."""

Look = tuple[float, float, float | None]
"""Of one instance: when it was looked at (seconds), its processor seconds then, and how many cores it was using."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`gauges` are what is read: of `memory` (bytes), `cpu` (cores), `threads` and `files` (open ones)."""

    gauges: tuple[str, ...] = GAUGES

    def __post_init__(self) -> None:
        """Raises ValueError for a gauge that processes do not have."""
        strange = next((name for name in self.gauges if name not in GAUGES), None)
        if strange is not None:
            raise ValueError(f"processes have no gauge {strange!r}: they have {', '.join(GAUGES)}")


class ProcessSignals:
    """Reads `gauges` of every instance of a version; `now` is a steady clock (seconds)."""

    def __init__(self, target: Measurable, gauges: tuple[str, ...], now: Callable[[], float]) -> None:
        self._target = target
        self._gauges = gauges
        self._now = now
        self._looks: dict[Version, dict[str, Look]] = {}

    async def read(self, version: Version) -> Arm:
        """What each instance uses now; processor time since the reading before. Raises Temporary where none runs."""
        found = await asyncio.to_thread(self._target.usage, version)
        if not found:
            raise Temporary(f"{version} has no running instance whose processes could be looked at")
        shown: dict[str, dict[str, float]] = {name: {} for name in self._gauges}
        for instance, name, value in self._values(version, found):
            if name in shown:
                shown[name][instance] = value
        return Arm(gauges={name: values for name, values in shown.items() if values})

    def _values(self, version: Version, found: Mapping[str, Usage]) -> Iterator[tuple[str, str, float]]:
        before, now = self._looks.pop(version, {}), self._now()
        looks = {name: _looked(before.get(name), used.cpu_s, now) for name, used in found.items()}
        self._looks[version] = looks
        while len(self._looks) > VERSIONS_MAX:
            del self._looks[next(iter(self._looks))]
        for instance, used in found.items():
            yield instance, "memory", float(used.memory)
            yield instance, "threads", float(used.threads)
            yield instance, "files", float(used.files)
            cores = looks[instance][2]
            if cores is not None:
                yield instance, "cpu", cores


def _looked(before: Look | None, cpu_s: float, now: float) -> Look:
    if before is None:
        return now, cpu_s, None
    at, used_s, cores = before
    if now - at < CPU_LEAST_S:
        return before
    gone = cpu_s < used_s  # a process that it had started has ended, and its time with it
    return now, cpu_s, cores if gone else (cpu_s - used_s) / (now - at)


def create(wires: Wires) -> ProcessSignals:
    """The plugin's factory. Raises Permanent where the target does not run processes that could be looked at."""
    target: object = wires.target
    if not isinstance(target, Measurable):
        raise Permanent("this target cannot say what the processes of an instance use")
    return ProcessSignals(target, settings_of(wires, Settings).gauges, time.monotonic)
