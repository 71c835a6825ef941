"""Startup, readiness and liveness as Kubernetes has them: pure, told what was seen and when.

* Nothing but the startup probe is asked until it has passed once; `failure_threshold` failures in a row: restart.
* Readiness begins as not ready; it takes `success_threshold` passes in a row, and as many failures as
  `failure_threshold` says to lose it. It never restarts anything.
* Liveness begins as alive; `failure_threshold` failures in a row: restart.
* `initial_delay_s` counts from the start of the process; every restart begins anew.

One thing is kinder than on Kubernetes, whose probes are ten times slower by default: where no startup probe is
declared, liveness is not asked until the instance was ready once, or `WITHOUT_STARTUP_S` have passed.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from headgate.core.model import Probe, Probes, TcpCheck

Kind = Literal["startup", "readiness", "liveness"]

READINESS = Probe(TcpCheck())
"""Where no readiness probe is declared, an instance is ready when it accepts connections: traffic needs that much."""

WITHOUT_STARTUP_S = 60.0
"""How long an instance without a startup probe may take until it is ready."""


class Threshold:
    """A state that changes only after enough observations in a row that contradict it."""

    def __init__(self, probe: Probe, *, passing: bool) -> None:
        self.passing = passing
        self.failures = 0
        self._successes = 0
        self._probe = probe

    @property
    def exhausted(self) -> bool:
        """True when the failures in a row are as many as the probe allows."""
        return self.failures >= self._probe.failure_threshold

    def observe(self, *, passed: bool) -> bool:
        """One more observation; returns the state."""
        self._successes, self.failures = (self._successes + 1, 0) if passed else (0, self.failures + 1)
        if self._successes >= self._probe.success_threshold:
            self.passing = True
        elif self.exhausted:
            self.passing = False
        return self.passing


class Health:
    """One life of an instance, from the start of its process at `since` (seconds on any clock that `now` shares)."""

    def __init__(self, probes: Probes, since: float, *, started: bool = False, ready: bool = False) -> None:
        self.probes = with_readiness(probes)
        self.started = started or probes.startup is None
        self._since = since
        initial: Mapping[Kind, bool] = {"startup": False, "readiness": ready, "liveness": True}
        self._thresholds = {kind: Threshold(probe, passing=initial[kind]) for kind, probe in self._each()}
        self._due: dict[Kind, float] = {kind: since + probe.initial_delay_s for kind, probe in self._each()}
        self._spared = probes.startup is None and probes.liveness is not None and not ready
        if self._spared:
            self._due["liveness"] = since + max(WITHOUT_STARTUP_S, self._due["liveness"] - since)

    @property
    def ready(self) -> bool:
        """Whether it may have traffic."""
        return self.started and self._thresholds["readiness"].passing

    def probe(self, kind: Kind) -> Probe:
        """The probe that answers `kind`, which must be one that is due at some time."""
        return next(probe for asked, probe in self._each() if asked == kind)

    def due(self, now: float) -> tuple[Kind, ...]:
        """What shall be asked now."""
        return tuple(kind for kind in self._asked() if self._due[kind] <= now)

    def next_due(self) -> float:
        """When something shall be asked next."""
        return min(self._due[kind] for kind in self._asked())

    def asked_next(self) -> tuple[Kind, ...]:
        """What is due next, whenever that is."""
        soonest = self.next_due()
        return tuple(kind for kind in self._asked() if self._due[kind] <= soonest)

    def observe(self, kind: Kind, now: float, *, passed: bool) -> bool:
        """An answer to `kind`, asked at `now`. True: the instance must be restarted, and this life is over."""
        self._due[kind] = max(now, self._due[kind]) + self.probe(kind).period_s
        threshold = self._thresholds[kind]
        threshold.observe(passed=passed)
        if kind == "startup" and passed:
            self.started = True
            self._due |= {asked: max(now, self._due[asked]) for asked in self._asked()}
        if self._spared and self.ready:
            self._spared = False
            self._due["liveness"] = max(now, self._since + self.probe("liveness").initial_delay_s)
        return kind != "readiness" and threshold.exhausted

    def _asked(self) -> tuple[Kind, ...]:
        return tuple(kind for kind, _ in self._each() if (kind == "startup") != self.started)

    def _each(self) -> Iterator[tuple[Kind, Probe]]:
        if self.probes.startup is not None:
            yield "startup", self.probes.startup
        if self.probes.readiness is not None:
            yield "readiness", self.probes.readiness
        if self.probes.liveness is not None:
            yield "liveness", self.probes.liveness


def with_readiness(probes: Probes) -> Probes:
    """`probes`, with the readiness probe that stands in where none is declared."""
    return probes if probes.readiness is not None else msgspec.structs.replace(probes, readiness=READINESS)


def readiness_of(probes: Probes) -> Probe:
    """The readiness probe, declared or not."""
    return probes.readiness or READINESS


def ready_within_s(probes: Probes) -> float:
    """How long an instance may take from its start until it is ready, by what its probes allow.

    The startup probe's bound (`WITHOUT_STARTUP_S` without one), and the time that readiness takes at the least.
    """
    readiness = readiness_of(probes)
    least = readiness.initial_delay_s + readiness.period_s * readiness.success_threshold + readiness.timeout_s
    if (startup := probes.startup) is None:
        return WITHOUT_STARTUP_S + least
    return startup.initial_delay_s + startup.period_s * startup.failure_threshold + startup.timeout_s + least
