"""Reads counters from a Prometheus: every question at one instant, each instance by itself."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

from headgate.core.model import Arm, Counts, Histogram, Mean, Version
from headgate.kit.refusals import struck
from headgate.kit.vendor import LogIn, by_token_or_password, web_of
from headgate.plugins.vendors.prometheus import histogram
from headgate.plugins.vendors.prometheus.answer import Series, number, read_answer
from headgate.plugins.vendors.prometheus.histogram import Tally
from headgate.plugins.vendors.prometheus.inspection import inspect
from headgate.plugins.vendors.prometheus.queries import (
    AGE,
    ERRORS,
    GAUGES,
    LATENCY,
    REQUESTS,
    Queries,
    Query,
    queries,
)
from headgate.plugins.vendors.prometheus.settings import Settings
from headgate.ports.errors import PortError, Temporary
from headgate.ports.registry import settings_of
from headgate.ports.signals import Look
from headgate.ports.web import Request, Web
from headgate.ports.wires import Wires

VERSIONS_MAX = 64
SKEW_MIN_S = 2.0
"""A `Date` header tells the time to the second; clocks that differ by less are taken to agree."""

_ONE = 0.0
"""The only part of a counter that is no histogram."""

Readings = Mapping[str, list[Series]]


@dataclass
class Watch:
    """What is remembered of one version: its questions, its tallies, and the last reading with its instant."""

    queries: Queries
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    errors: dict[str, Counts] = field(default_factory=dict[str, Counts])
    at: float = -math.inf
    arm: Arm | None = None
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class PrometheusSignals:
    """See the settings for what is asked. `arm` is a version's name in Headgate's own proxy; `now` the time of day."""

    def __init__(
        self,
        settings: Settings,
        web: Web,
        log_in: LogIn,
        arm: Callable[[Version], str],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._web = web
        self._log_in = log_in
        self._arm = arm
        self._now = now
        self._skew_s = 0.0
        self._watches: dict[Version, Watch] = {}

    async def read(self, version: Version) -> Arm:
        """Counters since the beginning; between two instants (`every_s`) those of the last one.

        Raises Temporary where a question has no answer, no series, old samples, or what no counter can be; Permanent
        where it is refused.
        """
        watch = self._watch(version)
        async with watch.reading:
            if watch.arm is None or self.instant() != watch.at:
                found, at = await self._answers(watch)
                watch.arm, watch.at = self._counted(watch, found), at
            return watch.arm

    async def _answers(self, watch: Watch) -> tuple[Readings, float]:
        """What every question was answered, and at which instant."""
        skew_s, at = self._skew_s, self.instant()
        answers = await asyncio.gather(*(self.ask(query, at) for query in watch.queries))
        if self._skew_s != skew_s:  # the clocks were just found to differ
            at = self.instant()
            answers = await asyncio.gather(*(self.ask(query, at) for query in watch.queries))
        found = {query.name: series for query, series in zip(watch.queries, answers, strict=True)}
        self._refuse_old(found, at)
        return found, at

    def instant(self) -> float:
        """The instant that is read now, by the server's clock (seconds since the epoch)."""
        every_s = self._settings.every_s
        return math.floor((self._now() + self._skew_s) / every_s) * every_s - self._settings.delay_s

    def questions(self, version: Version) -> Queries:
        """What is asked about a version. Raises Permanent."""
        return queries(self._settings, version, self._arm(version))

    async def ask(self, query: Query, at: float) -> list[Series]:
        """One question as it was answered at `at`. Raises PortError, with the question's name and text."""
        try:
            return await self.instantly(query.text, at)
        except PortError as error:
            raise type(error)(f"{query.name}: {error}; asked was {query.text}") from None

    async def instantly(self, text: str, at: float) -> list[Series]:
        """The vector that `text` is at the instant `at`."""
        login = self._log_in()
        tenant = {"x-scope-orgid": self._settings.tenant} if self._settings.tenant else {}
        answer = await self._web.ask(
            Request(
                "POST",
                f"{self._settings.url.rstrip('/')}/api/v1/query",
                {"content-type": "application/x-www-form-urlencoded", **tenant, **login.headers},
                urlencode({"query": text, "time": f"{at:.3f}"}).encode(),
                timeout_s=self._settings.timeout_s,
                secrets=login.secrets,
            )
        )
        self._learn_skew(answer.headers.get("date", ""))
        try:
            return read_answer(answer.body)
        except Temporary as error:
            raise Temporary(struck(str(error), login.secrets)) from None

    async def inspect(self, version: Version) -> tuple[Look, ...]:
        """See ports.signals.Inspectable."""
        settings, at = self._settings, self.instant()
        try:
            questions = self.questions(version)
        except PortError as error:
            return (Look("what is asked", "nothing", str(error)),)
        return await inspect(
            questions, lambda text: self.instantly(text, at), at, settings.stale_after_s, settings.instance
        )

    def _learn_skew(self, date: str) -> None:
        try:
            skew_s = parsedate_to_datetime(date).timestamp() + 0.5 - self._now()
        except (ValueError, TypeError, OverflowError):
            return
        if abs(skew_s - self._skew_s) >= SKEW_MIN_S:
            self._skew_s = skew_s if abs(skew_s) >= SKEW_MIN_S else 0.0

    def _watch(self, version: Version) -> Watch:
        """What is remembered of `version`; those read longest ago are forgotten."""
        watch = self._watches.pop(version, None) or Watch(self.questions(version))
        self._watches[version] = watch
        while len(self._watches) > VERSIONS_MAX:
            del self._watches[next(iter(self._watches))]
        return watch

    def _refuse_old(self, found: Readings, at: float) -> None:
        """Old samples say nothing about now: a Prometheus that just started again has them, and one that is cut off."""
        newest = max((number(one.value[1], AGE) for one in found.get(AGE, ()) if one.value), default=None)
        if newest is not None and at - newest > self._settings.stale_after_s:
            raise Temporary(
                f"the newest sample of {REQUESTS} is {at - newest:.0f} s old: is it still scraped? "
                f"(`stale_after` allows {self._settings.stale_after_s:g} s)"
            )

    def _counted(self, watch: Watch, found: Readings) -> Arm:
        texts = {query.name: query.inner for query in watch.queries}
        means = self._means(watch, found, texts)
        gauges = self._gauges(found)
        if REQUESTS not in found:
            return Arm(means=means, gauges=gauges)
        requests = self._by_instance(found[REQUESTS], REQUESTS)
        if not requests:
            raise Temporary(f"{REQUESTS} has no series, so nothing is known; asked was {texts[REQUESTS]}")
        instances = self._instances(watch, requests, self._by_instance(found.get(ERRORS, []), ERRORS))
        latency = self._latency(watch, found[LATENCY]) if LATENCY in found else None
        if LATENCY in found and latency is None and any(requests.values()):
            raise Temporary(f"{LATENCY} has no series, while there are requests; asked was {texts[LATENCY]}")
        return Arm(
            requests=sum(one.requests for one in instances.values()),
            errors=sum(one.errors for one in instances.values()),
            latency_ms=latency,
            instances=instances,
            means=means,
            gauges=gauges,
        )

    def _gauges(self, found: Readings) -> dict[str, dict[str, float]]:
        """What each instance shows; one without a series shows nothing."""
        shown = {
            name.removeprefix(GAUGES): self._by_instance(series, name)
            for name, series in found.items()
            if name.startswith(GAUGES)
        }
        return {name: values for name, values in shown.items() if values}

    def _instances(
        self, watch: Watch, requests: Mapping[str, float], errors: Mapping[str, float]
    ) -> dict[str, Counts]:
        """Requests and errors of each instance.

        One that has no series of errors had none, or none since it had some: exporters drop what has not moved.
        """
        found: dict[str, Counts] = {}
        for instance, count in requests.items():
            last = watch.errors.get(instance, Counts(0, 0))
            kept = last.errors if round(count) >= last.requests else 0
            found[instance] = Counts(round(count), round(errors[instance]) if instance in errors else kept)
        watch.errors = found
        return found

    def _latency(self, watch: Watch, series: list[Series]) -> Histogram | None:
        unit_ms = watch.queries.unit_ms
        if self._settings.native:
            natives = {self._instance(one): one.histogram[1] for one in series if one.histogram is not None}
            if len(natives) < len(series):
                raise Temporary(f"{LATENCY} is no native histogram: leave `native` out")
            now = {name: histogram.native(one, LATENCY, unit_ms) for name, one in natives.items()}
        else:
            buckets: dict[str, list[tuple[str, float]]] = {}
            for one in series:
                if one.value is None or "le" not in one.metric:
                    hint = "say `native: true`" if one.histogram else "is `le` kept in the query?"
                    raise Temporary(f"{LATENCY} is no classic histogram: {hint}")
                buckets.setdefault(self._instance(one), []).append(
                    (one.metric["le"], number(one.value[1], LATENCY))
                )
            now = {name: histogram.classic(one, LATENCY) for name, one in buckets.items()}
        return histogram.summed(watch.tallies.setdefault(LATENCY, Tally()).add(now), unit_ms)

    def _means(self, watch: Watch, found: Readings, texts: Mapping[str, str]) -> dict[str, Mean]:
        means: dict[str, Mean] = {}
        for name in self._settings.means:
            good, total = (f"means.{name}.{part}" for part in ("good", "total"))
            if not found[total]:
                raise Temporary(f"{total} has no series, so nothing is known; asked was {texts[total]}")
            sums = [self._total(watch, part, found[part]) for part in (good, total)]
            means[name] = Mean(sums[0], round(sums[1]))
        return means

    def _total(self, watch: Watch, name: str, series: list[Series]) -> float:
        now = {instance: {_ONE: value} for instance, value in self._by_instance(series, name).items()}
        counted = watch.tallies.setdefault(name, Tally()).add(now)
        return math.fsum(one[_ONE] for one in counted.values())

    def _by_instance(self, series: list[Series], name: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for one in series:
            instance = self._instance(one)
            if one.value is None:
                raise Temporary(
                    f"{name} is a native histogram, where a counter was expected: use histogram_count()"
                )
            if instance in found:
                raise Temporary(f"{name} has two series for the instance {instance!r}: sum them in the query")
            found[instance] = number(one.value[1], name)
        return found

    def _instance(self, series: Series) -> str:
        return series.metric.get(self._settings.instance, "")


def create(wires: Wires) -> PrometheusSignals:
    """The plugin's factory. Raises Permanent for settings that do not fit."""
    settings = settings_of(wires, Settings)
    log_in = by_token_or_password(settings.token, settings.user, settings.password)
    return PrometheusSignals(settings, web_of(wires), log_in, _arm_of(wires), wires.now)


def _arm_of(wires: Wires) -> Callable[[Version], str]:
    def unknown(version: Version) -> str:
        return version.key

    return wires.arm or unknown
