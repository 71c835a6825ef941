"""A judge with a memory: intervals in, verdicts out, and what was decided stays decided."""

import msgspec
from msgspec.structs import replace

from headgate.core.judge.judge import JudgeState, observe, start
from headgate.core.model.criteria import JudgeSpec, Latency
from headgate.core.model.verdict import Verdict
from headgate.judge.interval import Interval

CLOCK_FROM_ZERO_S = 3600.0
"""A first interval that ends before this time is on a clock that began with it."""


class Judge:
    """Judges one canary.

    With `latency_optional`, latency is judged only if stable's first requests come with a histogram: for streams of
    which nobody has said what is in them. Nothing has been bet until then, so that the choice costs nothing.
    """

    def __init__(self, spec: JudgeSpec | None = None, *, latency_optional: bool = False) -> None:
        self.spec = spec if spec is not None else JudgeSpec(external=True)
        self._optional = latency_optional
        self._state: JudgeState = start(self.spec)
        self._last: Interval | None = None
        self._step = 0
        self.decided: Verdict | None = None

    def observe(self, interval: Interval) -> Verdict:
        """One more interval. After `pass` or `fail` the verdict stays."""
        if self.decided is not None:
            return self.decided
        if self._optional and interval.stable is not None and interval.stable.requests:
            self._settle(measured=interval.stable.latency_ms is not None)
        sample = interval.sample(self._length(interval))
        self._state, verdict = observe(self.spec, self._state, sample, self._step_of(interval))
        self._last = interval
        if verdict.kind in ("pass", "fail"):
            self.decided = verdict
        return verdict

    def _settle(self, *, measured: bool) -> None:
        self._optional = False
        if not measured:
            kept = [at for at, one in enumerate(self.spec.criteria) if not isinstance(one, Latency)]
            self.spec = replace(self.spec, criteria=tuple([self.spec.criteria[at] for at in kept]))
            self._state = replace(self._state, metrics=tuple([self._state.metrics[at] for at in kept]))

    def _length(self, interval: Interval) -> float:
        if interval.interval_s is not None:
            return interval.interval_s
        if self._last is not None:
            return interval.at - self._last.at
        return interval.at if 0 < interval.at <= CLOCK_FROM_ZERO_S else self.spec.interval_s

    def _step_of(self, interval: Interval) -> int:
        if interval.step is not None:
            self._step = interval.step
        elif self._last is not None and interval.weight != self._last.weight:
            self._step += 1
        return self._step


# A verdict as a line of JSON: what `headgate judge` writes.


class MetricAnswer(msgspec.Struct, frozen=True):
    """One metric: its e-value, and the canary's ratio to stable with an interval that is valid at any time."""

    name: str
    e_value: float
    ratio: float | None
    low: float | None
    high: float | None
    state: str


class Answer(msgspec.Struct, frozen=True):
    """The verdict after the interval that ended `at`; `evidence` is the combined e-value that decides."""

    at: float
    verdict: str
    evidence: float
    metrics: tuple[MetricAnswer, ...]
    reason: str


def answer(at: float, verdict: Verdict) -> Answer:
    """The answer to the interval that ended `at`."""
    metrics = [MetricAnswer(m.metric, m.e_value, m.ratio, m.low, m.high, m.kind) for m in verdict.metrics]
    return Answer(at, verdict.kind, verdict.evidence, tuple(metrics), verdict.reason)
