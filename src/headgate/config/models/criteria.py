"""Criteria of a new version, measured on live traffic."""

from collections.abc import Collection
from typing import Annotated, ClassVar, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticKnownError

from headgate.config.models.complaint import Complaint, raised
from headgate.config.models.quantity import OFF, Quantity
from headgate.config.models.section import Section
from headgate.config.models.value import (
    Factor,
    FactorOrOff,
    Label,
    Level,
    Metric,
    Name,
    Seconds,
    Share,
    SomeSeconds,
)
from headgate.config.quantities import DURATION, PERCENTAGE
from headgate.core.model import Source, criteria

Importance = Annotated[float, Field(ge=0, le=100)]
_IMPORTANCE = "Its part in the evidence, beside the other criteria; 0: shown, never decides."


def _unless_off(value: object) -> object:
    return None if value == OFF else value


class ErrorRatioLimit(Section):
    """Failed requests (5xx, resets, timeouts) over requests."""

    SHORT: ClassVar[str] = "max"
    SHORT_SCHEMA: ClassVar[JsonSchemaValue] = {"type": "string", "examples": ["1%", OFF]}
    EXPECTED: ClassVar[str] = "a percentage, or a mapping with `max` and `no_worse_than`, or `off`"

    max: Share | None = Field(
        default=None, description="An absolute limit, while the old version meets it itself."
    )
    no_worse_than: Factor = Field(default=1.25, description="At most so many times the old version's.")
    importance: Importance = Field(default=1.0, description=_IMPORTANCE)

    @property
    def criterion(self) -> criteria.ErrorRatio:
        """What the judge is asked."""
        return criteria.ErrorRatio(self.no_worse_than, self.max, self.importance)


class LatencyLimit(Section):
    """A quantile of the time to answer."""

    SHORT: ClassVar[str] = "max"
    SHORT_SCHEMA: ClassVar[JsonSchemaValue] = {"type": "string", "examples": ["500ms", OFF]}
    EXPECTED: ClassVar[str] = "a duration, or a mapping with `max` and `no_worse_than`, or `off`"

    max: SomeSeconds | None = Field(default=None, description="An absolute limit.")
    no_worse_than: FactorOrOff = Field(
        default=1.5,
        description="The share of slow requests is at most so many times the old version's; or `off`.",
    )
    no_slower_than: SomeSeconds | None = Field(
        default=None,
        description="So much time more than the old version is allowed; alone, it makes `no_worse_than` 1x.",
    )
    importance: Importance = Field(default=1.0, description=_IMPORTANCE)

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.max is None and self.no_worse_than is None:
            raise raised([Complaint((), "nothing limits this latency", "`max` or `no_worse_than`")])
        return self

    @property
    def factor(self) -> float | None:
        """How many times the old version's share of slow requests is allowed; None: not compared."""
        return (
            1.0
            if self.no_slower_than and "no_worse_than" not in self.model_fields_set
            else self.no_worse_than
        )

    def criterion(self, quantile: float) -> criteria.Latency:
        """What the judge is asked of this quantile (0.99)."""
        return criteria.Latency(
            quantile,
            self.max * 1000 if self.max is not None else None,
            self.factor,
            self.importance,
            self.no_slower_than * 1000 if self.no_slower_than is not None else None,
        )


class Business(Section):
    """A business signal: a share of good cases, from two counters of the service's own metrics, or from a source."""

    EXPECTED: ClassVar[str] = "a mapping with `good` and `of`, the names of two counters, or with `from`"

    source: Name | None = Field(
        default=None,
        alias="from",
        description="The source (of `signals`) that gives it, under the same name.",
    )
    good: Metric | None = Field(
        default=None, validate_default=True, description="The counter of good cases (completed orders)."
    )
    of: Metric | None = Field(
        default=None, validate_default=True, description="The counter of all cases (checkouts)."
    )
    no_worse_than: Share = Field(
        default=0.2, description="So much worse than the old version's share is allowed."
    )
    min: Share | None = Field(
        default=None, description="The share must be at least this (when higher is better)."
    )
    max: Share | None = Field(
        default=None, description="The share must be at most this (when lower is better)."
    )
    higher_is_better: bool = Field(default=True, description="Whether a higher share is good news.")
    importance: Importance = Field(default=1.0, description=_IMPORTANCE)

    @field_validator("good", "of", mode="wrap")
    @classmethod
    def _counted(cls, value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
        if value is not None:
            return read(value)
        if info.data.get("source", "") is None:
            raise PydanticKnownError("missing")
        return None

    @model_validator(mode="after")
    def _direction(self) -> Self:
        wrong_limit = "max" if self.higher_is_better else "min"
        found: list[Complaint] = []
        if getattr(self, wrong_limit) is not None:
            better = "higher" if self.higher_is_better else "lower"
            right = "min" if self.higher_is_better else "max"
            what = f"`{wrong_limit}` limits the good direction: {better} is better here"
            hint = f"or set `higher_is_better: {'false' if self.higher_is_better else 'true'}`"
            found.append(Complaint((wrong_limit,), what, f"`{right}`", hint, key=True))
        if self.source is not None and (self.good or self.of):
            what = "the share comes from a source, or from two counters, and here from both"
            found.append(Complaint(("from",), what, "`from` alone, or `good` and `of`", key=True))
        if self.good is not None and self.good == self.of:
            found.append(Complaint(("of",), "it is the same counter as `good`", "the counter of all cases"))
        if found:
            raise raised(found)
        return self

    def criterion(self, name: str) -> criteria.MeanCriterion:
        """What the judge is asked of the signal with this name."""
        limit = self.min if self.higher_is_better else self.max
        return criteria.MeanCriterion(name, self.higher_is_better, self.no_worse_than, limit, self.importance)


PROCESS, SERVICE = "process", "service"
"""Where a gauge comes from without a source that is declared: the instances' processes, or their own metrics."""


class Gauge(Section):
    """A gauge of every instance, by its name: `memory`, `cpu`, `threads` and `files` are those of its processes."""

    EXPECTED: ClassVar[str] = "a mapping like `{limit: 512MiB}` or `{no_worse_than: 1.5x}`"

    limit: Level | None = Field(default=None, description="Each instance must stay under this.")
    no_worse_than: FactorOrOff = Field(
        default=1.5, description="At most so many times the old version's highest instance; or `off`."
    )
    source: Name = Field(
        default=PROCESS,
        alias="from",
        description="`process`, `service` (its own `metrics`), or the source (of `signals`) that gives it.",
    )
    gauge: Metric | None = Field(
        default=None, description="What it is called in the service's own metrics; default: its name here."
    )
    warm_up: Seconds = Field(
        default=60.0, description="An instance is judged when it has been seen for so long."
    )
    block: SomeSeconds = Field(
        default=10.0, description="What counts is the lowest reading in so much time; longer than its swings."
    )
    importance: Importance = Field(default=1.0, description=_IMPORTANCE)

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.limit is None and self.no_worse_than is None:
            raise raised([Complaint((), "nothing limits this gauge", "`limit` or `no_worse_than`")])
        if self.gauge is not None and self.source != SERVICE:
            what = "`gauge` is a name in the service's own metrics, and this comes from elsewhere"
            raise raised([Complaint(("gauge",), what, f"`from: {SERVICE}`", key=True)])
        return self

    def criterion(self, name: str) -> criteria.Saturation:
        """What the judge is asked of the gauge with this name."""
        of_memory = self.source == PROCESS and name == "memory"
        return criteria.Saturation(
            name,
            self.limit,
            self.no_worse_than,
            self.warm_up,
            self.block,
            self.importance,
            "bytes" if of_memory or (self.gauge or name).endswith("_bytes") else "",
        )


class Fault(Section):
    """The least fault that must be found."""

    EXPECTED: ClassVar[str] = "a mapping with `factor` and `by`"

    factor: Factor = Field(default=2.0, description="So many times worse than the old version ...")
    by: Share = Field(default=0.05, description="... and worse by at least so much.")


Errors = Annotated[ErrorRatioLimit | None, BeforeValidator(_unless_off)]
Latency = Annotated[LatencyLimit | None, BeforeValidator(_unless_off)]
QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999, "p99_99": 0.9999}


class Criteria(Section):
    """The criteria of a rollout. Without any latency key, p99 is compared with the old version's."""

    EXPECTED: ClassVar[str] = "a mapping like `{error_ratio: 1%, p99: 500ms}`"

    error_ratio: Errors = Field(
        default=ErrorRatioLimit(), description="Failed requests over requests; or `off`."
    )
    p50: Latency = Field(
        default=None, description="The median time to answer; or `off`, as for every quantile."
    )
    p75: Latency = Field(default=None, description="75% of requests are answered within this.")
    p90: Latency = Field(default=None, description="90% of requests are answered within this.")
    p95: Latency = Field(default=None, description="95% of requests are answered within this.")
    p99: Latency = Field(default=None, description="99% of requests are answered within this.")
    p99_9: Latency = Field(
        default=None, alias="p99.9", description="99.9% of requests are answered within this."
    )
    p99_99: Latency = Field(
        default=None, alias="p99.99", description="99.99% of requests are answered within this."
    )
    business: dict[Label, Business] = Field(
        default={},
        description="Business signals by name, read from the service's `metrics` or from a source.",
    )
    saturation: dict[Label, Gauge] = Field(
        default={}, description="Gauges of each instance by name: memory, CPU, threads, the depth of a queue."
    )
    measured_by: Name | None = Field(
        default=None,
        description="The source (of `signals`) of requests, errors and latencies; default: the proxy.",
    )
    requests_min: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        default=20,
        description="The least number of requests to the new version, per step, before it can pass.",
    )
    interval: Annotated[float, Quantity(DURATION, low=0.1, high=3600)] = Field(
        default=0.5, description="The length of one measurement."
    )
    false_rollbacks: Annotated[float, Quantity(PERCENTAGE, low=0.0, high=0.5, above=True)] = Field(
        default=0.01, description="The share of good releases that may be rolled back by chance."
    )
    no_data_after: SomeSeconds = Field(
        default=30.0, description="How long the new version may be silent before `on_no_data` decides."
    )
    false_passes: Annotated[float, Quantity(PERCENTAGE, low=0.0, high=0.5, above=True)] = Field(
        default=0.05,
        description="The share of faulty releases (as `fault` defines them) that may pass by chance.",
    )
    fault: Fault = Field(
        default=Fault(), description="How bad a release must be, for `false_passes` to be about it."
    )
    split: FactorOrOff = Field(
        default=2.0,
        description="How far the traffic that arrives may be from the weight, before nothing passes; or `off`.",
    )
    dispersion: Annotated[float, Field(ge=1, le=1000)] | None = Field(
        default=None,
        description="How burstily errors come: 1 for each alone, 1 + K with K retries; default: learnt.",
    )
    exchangeable: bool = Field(
        default=False,
        description="Fail only what a blind pick of instances does not explain either, where each version has several.",
    )
    deadline_share: Annotated[float, Quantity(PERCENTAGE, low=0.0, high=0.9)] = Field(
        default=0.0,
        description="The part of `false_rollbacks` kept for one exact test at each step's deadline (little traffic).",
    )

    @property
    def quantiles(self) -> tuple[tuple[float, LatencyLimit], ...] | None:
        """Each limited quantile (0.99) with its limit; None when nothing was said about latency."""
        given = [name for name in QUANTILES if name in self.model_fields_set]
        limits = [(QUANTILES[name], getattr(self, name)) for name in given]
        return tuple((quantile, limit) for quantile, limit in limits if limit is not None) if given else None

    @property
    def asked(self) -> tuple[criteria.Criterion, ...]:
        """What the judge is asked, in this order: errors, latencies, business signals, gauges."""
        errors = (self.error_ratio.criterion,) if self.error_ratio is not None else ()
        latencies = (
            (criteria.Latency(),)
            if self.quantiles is None
            else tuple([limit.criterion(quantile) for quantile, limit in self.quantiles])
        )
        business = [signal.criterion(name) for name, signal in self.business.items()]
        gauges = [gauge.criterion(name) for name, gauge in self.saturation.items()]
        return (*errors, *latencies, *business, *gauges)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where gauges are read that no declared source gives: the processes, the service's own metrics."""
        of_processes = [name for name, one in self.saturation.items() if one.source == PROCESS]
        of_service = {
            name: one.gauge or name for name, one in self.saturation.items() if one.source == SERVICE
        }
        asked: tuple[tuple[str, Collection[str]], ...] = ((PROCESS, of_processes), (SERVICE, of_service))
        return tuple([Source(kind, kind, {"gauges": gauges}) for kind, gauges in asked if gauges])
