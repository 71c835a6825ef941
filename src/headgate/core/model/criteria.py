"""What the judge is asked to look at, and how sure it must be."""

from typing import Literal, TypeVar

import msgspec


class ErrorRatio(msgspec.Struct, frozen=True, tag="error_ratio"):
    """Errors over requests. `factor`: the canary may be at most this many times worse than stable (the null).

    `max` is an absolute limit (0.01 is 1%), charged to the canary only while stable meets it; None: no limit.
    `weight` is its part in the evidence; with weight 0 it is judged and shown, and never decides.
    """

    factor: float = 1.25
    max: float | None = None
    weight: float = 1.0

    @property
    def metrics(self) -> int:
        """How many parts of the evidence it has: the comparison, and the limit if there is one."""
        return 1 + (self.max is not None)


class Latency(msgspec.Struct, frozen=True, tag="latency"):
    """`quantile` of the latency (0.99) at most `max_ms`, and the share of slow requests at most `factor` x stable's.

    `slower_ms` more are allowed the canary: its requests over a bound are compared with stable's over one that is lower
    by so much. None: not asked.
    """

    quantile: float = 0.99
    max_ms: float | None = None
    factor: float | None = 1.5
    weight: float = 1.0
    slower_ms: float | None = None

    @property
    def metrics(self) -> int:
        """How many parts of the evidence it has: the comparison and the limit, whichever are asked for."""
        return (self.factor is not None) + (self.max_ms is not None)


class MeanCriterion(msgspec.Struct, frozen=True, tag="mean"):
    """A business signal by `name`, a share in 0..1: the canary's may not be worse than stable's by more than `margin`.

    `margin` is relative (0.2: up to a fifth worse is allowed); `limit` is an absolute one, in the good direction.
    """

    name: str
    higher_is_better: bool = True
    margin: float = 0.2
    limit: float | None = None
    weight: float = 1.0

    @property
    def metrics(self) -> int:
        """How many parts of the evidence it has: the comparison, and the limit if there is one."""
        return 1 + (self.limit is not None)


class Saturation(msgspec.Struct, frozen=True, tag="saturation"):
    """A gauge by `name` (memory, threads) of each instance: at most `max`, and at most `factor` x stable's highest.

    None: not asked. An instance is judged once it has been seen for `warm_up_s`, in blocks of `block_s` (seconds), by
    its lowest reading in each. `unit` is what people read it in.
    """

    name: str
    max: float | None = None
    factor: float | None = 1.5
    warm_up_s: float = 60.0
    block_s: float = 10.0
    weight: float = 1.0
    unit: Literal["", "bytes"] = ""

    @property
    def metrics(self) -> int:
        """How many parts of the evidence it has; that it rises is a warning, and none of them."""
        return (self.factor is not None) + (self.max is not None)


Criterion = ErrorRatio | Latency | MeanCriterion | Saturation
"""One thing that is judged. `core.judge.metrics` has a value for each kind: how it is observed, read and foretold."""

AnyCriterion = TypeVar("AnyCriterion", bound=Criterion)


class JudgeSpec(msgspec.Struct, frozen=True, cache_hash=True):
    """The criteria of one leg.

    `alpha` is the share of good releases that may be rolled back falsely, whenever and however often one looks;
    `interval_s` is the length of one sample (ten times that after five minutes in one step); `requests_min` the least
    number of canary requests, in the present step, before `pass` can be said; `no_data_after_s` how long the canary may
    stay silent before that is said aloud.
    `dispersion` declares how bursty errors are (a retry budget of K: K + 1); None: learnt from stable, with caution.

    Promotion needs evidence too: `beta` is the chance of passing a version that is at least `worse` times worse than
    stable and worse by at least `worse_by` (0.05: five in a hundred). A service without errors passes after about
    ln(1 / beta) / worse_by clean requests. With `promote` false the judge keeps watching instead of passing.

    `horizon_s` is how far a late fault is looked for; `split_factor_max` how far the split that arrived may be from the
    one that was set, as a factor, before it is said aloud and nothing passes (None: never).

    `external`: say `hold_external` where stable itself breaks an objective or plainly gets worse, and the canary is not
    worse than it. `retry` counts the earlier attempts at the same release: the one after k of them spends
    alpha / (k + 1)^2, so that however often it is tried, fewer than 1.65 alpha false rollbacks are to be expected.
    `exchangeable`: where both arms have several instances with the same load, errors must also be more than a blind
    pick of instances explains; then no storm on one instance, however great, is a `fail`.
    `ahead` says of Expose steps, by index, what the largest weight is that may follow: what passing them risks.
    `deadline_share` of alpha is kept for exact tests at the deadlines of the first `deadlines` steps, in equal parts.
    """

    criteria: tuple[Criterion, ...] = (ErrorRatio(), Latency())
    alpha: float = 0.01
    requests_min: int = 20
    interval_s: float = 0.5
    no_data_after_s: float = 30.0
    dispersion: float | None = None
    beta: float = 0.05
    worse: float = 2.0
    worse_by: float = 0.05
    horizon_s: float = 86400.0
    split_factor_max: float | None = 2.0
    promote: bool = True
    external: bool = False
    retry: int = 0
    deadline_share: float = 0.0
    deadlines: int = 1
    exchangeable: bool = False
    ahead: tuple[tuple[int, int], ...] = ()

    def of(self, kind: type[AnyCriterion]) -> tuple[AnyCriterion, ...]:
        """The criteria of one kind, in their order."""
        return tuple([criterion for criterion in self.criteria if isinstance(criterion, kind)])
