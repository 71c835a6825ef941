"""Synthetic traffic: a version's own smoke tests, run again and again against it, each run counted.

For services with so little traffic that nothing could be learnt from it. A run asks the target to check the version as
a smoke step does; every journey that passes is a request that went well, every one that fails an error, one that could
not be run is neither. The mean has the same numbers, for a service whose traffic something else measures.

Runs begin when the version is read and the last one is `every_s` old, and never wait for each other's reader: nobody
reads, nothing runs. Journeys are run in production, against both versions alike: they must be fit for that.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from headgate.core.model import Arm, Finding, Mean, Version, in_words
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.registry import settings_of
from headgate.ports.signals import Look
from headgate.ports.target import Target
from headgate.ports.wires import Wires

VERSIONS_MAX = 64
RUNS_MAX = 4
"""So many runs are under way at once, over all versions: of one version there is never more than one."""

RUN_MAX_S = 120.0
STALE_AFTER = 3
"""So many times `every_s` after its end a run says nothing of the present any more."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often which journeys are run: `journeys` are names of smoke tests, all of them where none is named."""

    every_s: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    journeys: tuple[str, ...] = ()
    mean: Annotated[str, Meta(min_length=1, max_length=100)] = "synthetic"


class _Tally:
    """What came of one version's runs. Times are in seconds."""

    def __init__(self) -> None:
        self.passed = self.failed = 0
        self.run: asyncio.Task[None] | None = None
        self.began_at = -math.inf
        self.counted_at = -math.inf
        self.took_s = 0.0
        self.last = ""

    def add(self, findings: tuple[Finding, ...], at: float) -> None:
        """Count one run. One in which nothing could be run is no run."""
        self.took_s = at - self.began_at
        failed = [finding for finding in findings if finding.answer == "fail"]
        passed = [finding for finding in findings if finding.answer in ("pass", "warn")]
        self.last = in_words(findings) if findings else "there was nothing to run"
        if failed or passed:
            self.passed, self.failed, self.counted_at = (
                self.passed + len(passed),
                self.failed + len(failed),
                at,
            )


class SyntheticSignals:
    """Runs journeys through `target`. `smoke` names the smoke tests of a version, `now` is the time in seconds."""

    def __init__(
        self,
        settings: Settings,
        target: Target,
        smoke: Callable[[Version], tuple[str, ...]],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._target = target
        self._smoke = smoke
        self._now = now
        self._tallies: dict[Version, _Tally] = {}
        self._slots = asyncio.Semaphore(RUNS_MAX)

    async def read(self, version: Version) -> Arm:
        """See ports.Signals. Raises Temporary while no run has ended lately, Permanent where there is none to run."""
        tally = self._tally(version)
        self._run_when_due(version, tally)
        if tally.counted_at == -math.inf:
            raise Temporary(
                f"no journey of {version} has ended yet" + (f": {tally.last}" if tally.last else "")
            )
        silent_s, bound_s = (
            self._now() - tally.counted_at,
            STALE_AFTER * max(self._settings.every_s, tally.took_s),
        )
        if silent_s > bound_s:
            raise Temporary(f"no journey of {version} has ended for {silent_s:.0f} s: {tally.last}")
        total = tally.passed + tally.failed
        return Arm(total, tally.failed, means={self._settings.mean: Mean(float(tally.passed), total)})

    async def inspect(self, version: Version) -> tuple[Look, ...]:
        """See ports.signals.Inspectable. Waits for the run that is under way, or for one more."""
        question = f"smoke tests of {version}: {', '.join(self._settings.journeys) or 'all'}"
        try:
            tally = self._tally(version)
            self._run_when_due(version, tally)
            if tally.run is not None:
                await asyncio.wait({tally.run})
            arm = await self.read(version)
        except PortError as error:
            return (Look(question, "", str(error)),)
        return (
            Look(
                question, f"{arm.requests - arm.errors} of {arm.requests} passed; the last run: {tally.last}"
            ),
        )

    async def aclose(self) -> None:
        """End the runs that are under way."""
        tasks = [tally.run for tally in self._tallies.values() if tally.run is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tally(self, version: Version) -> _Tally:
        """The tally of `version`; that of the version read longest ago is forgotten. Raises Permanent."""
        tally = self._tallies.pop(version, None)
        if tally is None:
            there = self._smoke(version)
            missing = [name for name in self._settings.journeys if name not in there]
            if missing or not there:
                what = f"no smoke test {missing[0]!r}" if missing else "no smoke tests"
                raise Permanent(
                    f"{version} has {what} (it has {', '.join(there) or 'none'}): there is nothing to run"
                )
            tally = _Tally()
        self._tallies[version] = tally
        idle = [one for one, other in self._tallies.items() if other.run is None]
        for one in idle[: max(0, len(self._tallies) - VERSIONS_MAX)]:
            del self._tallies[one]
        return tally

    def _run_when_due(self, version: Version, tally: _Tally) -> None:
        if tally.run is None and self._now() - tally.began_at >= self._settings.every_s:
            tally.began_at = self._now()
            tally.run = asyncio.create_task(self._run(version, tally))

    async def _run(self, version: Version, tally: _Tally) -> None:
        try:
            async with self._slots, asyncio.timeout(RUN_MAX_S):
                tally.add(await self._target.check(version, self._settings.journeys), self._now())
        except TimeoutError:
            tally.last = f"the run was given up after {RUN_MAX_S:g} s"
        except PortError as error:
            tally.last = str(error)
        except Exception as error:  # noqa: BLE001 - a fault in a target is unknown, and told where it is read
            tally.last = f"the target broke down: {type(error).__name__}: {error}"
        finally:
            tally.run = None


def create(wires: Wires) -> SyntheticSignals:
    """The plugin's factory."""
    if wires.target is None:
        raise Permanent("the source `synthetic` needs a target that runs versions")

    def smoke(version: Version) -> tuple[str, ...]:
        return tuple(test.name for test in wires.artifacts.configuration(version.configuration).smoke)

    return SyntheticSignals(settings_of(wires, Settings), wires.target, smoke, wires.now)
