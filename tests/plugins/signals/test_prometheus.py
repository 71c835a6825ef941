"""Counters from a Prometheus: what is asked, what is made of the answers, and what is refused."""

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from headgate.core.model import Arm, Counts, Mean, SecretSource, Version
from headgate.core.model.sample import since
from headgate.kit.questions import Share
from headgate.kit.vendor import by_password
from headgate.plugins.vendors.prometheus import PrometheusSignals, Settings
from headgate.plugins.vendors.prometheus.queries import queries
from headgate.plugins.vendors.prometheus.templates import TEMPLATES
from headgate.ports import Permanent, PortError, Temporary
from headgate.ports.web import Answer
from headgate.testing.signals import Measured, SignalsContract
from tests.plugins.signals.prometheus_api import NOW, Api, signals, vector
from tests.plugins.traffic.envoys import version

OLD, NEW = version("a"), version("b")
RQ, XX, TIME = (f"envoy_cluster_upstream_rq_{end}" for end in ("completed", "xx", "time_bucket"))


def counted(api: Api, one: Version, good: int, bad: int, instance: str = "envoy:1") -> None:
    arm = {"envoy_cluster_name": one.key, "instance": instance}
    api.add(RQ, good + bad, **arm)
    if bad:
        api.add(XX, bad, **arm, envoy_response_code_class="5")
    for le in ("5", "100", "+Inf"):
        api.add(TIME, good + bad, **arm, le=le)


def read(source: PrometheusSignals, one: Version = OLD) -> Arm:
    return asyncio.run(source.read(one))


def refused(source: PrometheusSignals, kind: type[PortError] = Temporary) -> str:
    with pytest.raises(kind) as raised:
        read(source)
    return str(raised.value)


class InMemory:
    versions = (OLD, NEW)

    def __init__(self) -> None:
        self.api = Api()
        self.clock = NOW
        for one in self.versions:
            counted(self.api, one, 0, 0)
        self.signals = signals(self.api, self._now, every_s=0.1)

    def _now(self) -> float:
        self.clock += 0.1
        self.api.sampled_at = self.clock
        return self.clock

    async def requests(self, version: Version, good: int, bad: int) -> None:
        counted(self.api, version, good, bad)


class TestPrometheus(SignalsContract):
    def measured(self) -> AbstractAsyncContextManager[Measured]:
        return contextlib.nullcontext(InMemory())


# --- what is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_asks_for_one_version(name: str) -> None:
    match = {label: f"x-{{version}}-{label}" for label in TEMPLATES[name].ask}
    settings = msgspec.convert({"url": "http://p:1", "template": name, "match": match}, Settings)
    asked = {query.name: query.text for query in queries(settings, OLD, "the-arm")}
    assert set(asked) == {"requests", "errors", "latency", "age"}
    assert all(OLD.key in text.replace("\\", "") or "the-arm" in text for text in asked.values())
    assert asked["latency"].startswith("sum by (instance, le) (")
    assert "_bucket{" in asked["latency"]
    assert TEMPLATES[name].page.startswith("https://")


def test_istio_word_for_word() -> None:
    settings = Settings(url="http://p:1", template="istio", match={"destination_version": "{artifact:12}"})
    asked = [query.text for query in queries(settings, OLD, "")]
    labels = (
        f'reporter="destination",destination_service_name="web",destination_version="{OLD.artifact[:12]}"'
    )
    assert asked == [
        f"sum by (instance) (istio_requests_total{{{labels}}})",
        f'sum by (instance) (istio_requests_total{{{labels},response_code=~"5..|0"}})',
        f"sum by (instance, le) (istio_request_duration_milliseconds_bucket{{{labels}}})",
        f"max(timestamp(istio_requests_total{{{labels}}}))",
    ]


def test_queries_of_ones_own() -> None:
    settings = Settings(
        url="http://p:1",
        requests='sum without (path) (hits{v="{version}"})',
        latency='hit_seconds{v="{version}"}',
        instance="pod",
        means={"paid": Share('paid_total{v="{version}"}', 'bills_total{v="{version}"}')},
    )
    found = queries(settings, OLD, "")
    asked = {query.name: query.text for query in found}
    assert asked == {
        "requests": f'sum by (pod) (sum without (path) (hits{{v="{OLD.key}"}}))',
        "latency": f'sum by (pod, le) (hit_seconds_bucket{{v="{OLD.key}"}})',
        "means.paid.good": f'sum by (pod) (paid_total{{v="{OLD.key}"}})',
        "means.paid.total": f'sum by (pod) (bills_total{{v="{OLD.key}"}})',
    }
    assert found.unit_ms == 1000.0


def test_a_name_cannot_change_a_query() -> None:
    settings = Settings(url="http://p:1", template="envoy")
    with pytest.raises(Permanent, match="special characters"):
        queries(settings, OLD, 'x"} or vector(1')


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "prometheus:9090"}, "`url` is the server's address"),
        ({"url": "http://me:pw@p"}, "holds no password"),
        ({}, "say a `template`"),
        ({"requests": "sum(rate(hits[1m]))"}, r"`rate\(\)` does not"),
        ({"errors": "x", "means": {"a": Share("b", "c")}}, "`errors` need `requests`"),
        ({"template": "envoy-gateway"}, "envoy_cluster_name"),
        ({"template": "istio", "match": {"a b": "c"}}, "'a b' is none"),
        ({"requests": "x", "match": {"a": "b"}}, "belongs to a `template`"),
        ({"template": "istio", "user": "me"}, "belong together"),
        ({"template": "istio", "instance": "a,b"}, "is a label"),
        ({"template": "istio", "every_s": 0.0}, "at least 100ms"),
    ],
)
def test_settings_that_are_wrong_together(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Settings(**{"url": "http://p:1", **settings})


def test_all_questions_are_about_one_instant_and_say_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_PASSWORD", "hunter2-password")
    api = Api()
    counted(api, OLD, 3, 0)
    log_in = by_password("me", SecretSource("env", "PROM_PASSWORD"))
    source = signals(api, lambda: NOW + 3.7, log_in, tenant="shop", delay_s=30.0)
    read(source)
    assert {request.body.decode().rpartition("time=")[2] for request in api.asked} == {f"{NOW - 30:.3f}"}
    assert {request.headers["x-scope-orgid"] for request in api.asked} == {"shop"}
    assert all(request.headers["authorization"].startswith("Basic ") for request in api.asked)
    assert all("hunter2-password" in request.secrets for request in api.asked)


def test_between_two_instants_nothing_is_asked() -> None:
    api, clock = Api(), [NOW]
    counted(api, OLD, 3, 0)
    source = signals(api, lambda: clock[0])
    read(source)
    counted(api, OLD, 7, 0)
    asked, clock[0] = len(api.asked), NOW + 4.9
    assert read(source).requests == 3
    assert len(api.asked) == asked
    clock[0] = NOW + 5
    assert read(source).requests == 10


# --- what is made of the answers -------------------------------------------------------------------------------------


def test_counts_by_instance_and_latencies_in_milliseconds() -> None:
    api = Api()
    counted(api, OLD, 7, 3, "envoy:1")
    counted(api, OLD, 5, 0, "envoy:2")
    arm = read(signals(api))
    assert arm.instances == {"envoy:1": Counts(10, 3), "envoy:2": Counts(5, 0)}
    assert (arm.requests, arm.errors) == (15, 3)
    assert arm.latency_ms is not None
    assert (arm.latency_ms.le, arm.latency_ms.count) == ((5.0, 100.0, 1e8), (15, 15, 15))


def test_bounds_rise_also_where_one_is_for_everything() -> None:
    api = Api()
    counted(api, OLD, 3, 0)
    api.set(TIME, 3.0, envelope="", le="1e+08", envoy_cluster_name=OLD.key, instance="envoy:1")
    found = read(signals(api)).latency_ms
    assert found is not None
    assert found.le == (5.0, 100.0, 1e8, 1e9)


def test_a_process_that_starts_again_or_goes_away_takes_nothing_with_it() -> None:
    api, clock = Api(), [NOW]
    source = signals(api, lambda: clock[0], means={"paid": Share("paid_total", "bills_total")})

    def now(first: int, second: int | None) -> Arm:
        clock[0] += 5
        api.sampled_at = clock[0]
        api.series = []
        for instance, count in (("envoy:1", first), ("envoy:2", second)):
            if count is not None:
                counted(api, OLD, count, 0, instance)
                api.set("paid_total", count, instance=instance)
                api.set("bills_total", 2 * count, instance=instance)
        return read(source)

    readings = [now(100, 50), now(120, 60), now(5, 70), now(15, None), now(20, 3)]
    intervals = [since(a, b) for a, b in pairwise(readings)]
    assert [arm.requests for arm in intervals] == [30, 15, 10, 8]
    assert [arm.means["paid"] for arm in intervals] == [Mean(float(n), 2 * n) for n in (30, 15, 10, 8)]
    assert [arm.latency_ms.count[-1] if arm.latency_ms else None for arm in intervals] == [30, 15, 10, 8]


def test_no_series_of_errors_is_no_errors_and_one_that_vanishes_takes_none_back() -> None:
    api, clock = Api(), [NOW]
    source = signals(api, lambda: clock[0])
    counted(api, OLD, 10, 0)
    assert read(source).errors == 0
    counted(api, OLD, 0, 4)
    clock[0] += 5
    assert read(source).errors == 4
    api.series = [one for one in api.series if one[0] != XX]
    counted(api, OLD, 10, 0)
    clock[0] += 5
    after = read(source)
    assert (after.requests, after.errors) == (24, 4)


def test_native_histograms() -> None:
    histogram = {
        "count": "10",
        "sum": "1.2",
        "buckets": [[3, "-0.001", "0.001", "1"], [0, "0.0883883476483184", "0.10511205190671433", "6"],
                    [0, "0.5", "0.5946035575013605", "2"], [0, "512", "608.87", "1"]],
    }  # fmt: skip
    api = Api()
    counted(api, OLD, 10, 0)
    result = [{"metric": {"instance": "x"}, "histogram": [NOW, histogram]}]
    api.answers["_seconds"] = {"status": "success", "data": {"resultType": "vector", "result": result}}
    found = read(signals(api, latency="hit_seconds", native=True)).latency_ms
    assert found is not None
    within = dict(zip(found.le, found.count, strict=True))

    def at(seconds: float) -> int:
        return next(count for le, count in within.items() if le >= seconds * 1000 * 0.999999)

    assert (at(0.0011), at(0.088), at(0.1052), at(0.5), at(0.6), at(250)) == (1, 1, 7, 7, 9, 9)
    assert within[1e8] == 10


# --- what is refused -------------------------------------------------------------------------------------------------


def test_empty_is_not_zero() -> None:
    assert "requests has no series" in refused(signals(Api()))
    assert RQ in refused(signals(Api()))
    api = Api()
    counted(api, OLD, 1, 0)
    told = refused(signals(api, means={"paid": Share("paid_total", "bills_total")}))
    assert "means.paid.total has no series" in told


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1", "many"])
def test_what_no_counter_can_be(value: str) -> None:
    api = Api()
    counted(api, OLD, 1, 0)
    answer = vector([({"instance": "x"}, 1.0)])
    answer["data"]["result"][0]["value"][1] = value
    api.answers[f"sum by (instance) ({RQ}"] = answer
    assert value in refused(signals(api))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(200, {}, b'{"status":"succ'), "no answer of a Prometheus"),
        (Answer(200, {}, b"<html>log in</html>"), "is the address right"),
        ({"status": "error", "error": "query timed out"}, "query timed out"),
        ({**vector([]), "warnings": ["store x is away"]}, "may not be whole: store x is away"),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, "answered a matrix"),
        (vector([({"instance": "x"}, 1.0)] * 2), "two series for the instance 'x'"),
        (Answer(429, {}, b"slow down"), "answered 429"),
        (Answer(503, {}, b"overloaded"), "answered 503"),
        (TimeoutError, "no answer in time"),
        (ConnectionError, "no connection"),
        (EOFError, "broke off"),
    ],
)  # fmt: skip
def test_nonsense_and_troubles_are_temporary_and_named(answer: object, says: str) -> None:
    api = Api()
    counted(api, OLD, 1, 0)
    api.answers[f"sum by (instance) ({RQ}"] = answer
    told = refused(signals(api))
    assert says in told
    assert told.startswith("requests")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_permanent(status: int) -> None:
    api = Api()
    api.answers[""] = Answer(status, {}, b"no")
    assert str(status) in refused(signals(api), Permanent)


def test_old_samples_are_no_data() -> None:
    api = Api(sampled_at=NOW - 121)
    counted(api, OLD, 1, 0)
    assert "121 s old" in refused(signals(api))
    assert read(signals(api, stale_after_s=122.0)).requests == 1


@pytest.mark.parametrize("skew_s", [-600, 600])
def test_clocks_that_differ(skew_s: int) -> None:
    api = Api(sampled_at=NOW + skew_s, date=formatdate(NOW + skew_s, usegmt=True))
    counted(api, OLD, 1, 0)
    assert read(signals(api)).requests == 1
    asked_at = float(api.asked[-1].body.decode().rpartition("time=")[2])
    assert abs(asked_at - (NOW + skew_s)) <= 6


def test_a_classic_histogram_that_is_none() -> None:
    api = Api()
    counted(api, OLD, 1, 0)
    api.answers["le)"] = vector([({"instance": "x"}, 1.0)])
    assert "is `le` kept" in refused(signals(api))
    api.answers["le)"] = vector([])
    assert "latency has no series" in refused(signals(api))
    told = refused(signals(api, latency="hits"), Permanent)
    assert "does not say its unit" in told


# --- what `signals test` shows ---------------------------------------------------------------------------------------


def test_every_question_is_shown_with_its_answer() -> None:
    api = Api()
    counted(api, OLD, 1000, 234)
    looks = asyncio.run(signals(api).inspect(OLD))
    assert [look.answer for look in looks] == [
        "1,234 in 1 series",
        "234 in 1 series",
        "1,234 observations, 3 bounds",
        "the newest sample is 0 s old",
    ]
    assert not any(look.problem for look in looks)


def test_why_there_is_nothing() -> None:
    api = Api()
    assert "there is no metric" in asyncio.run(signals(api).inspect(OLD))[0].problem
    counted(api, NEW, 1, 0)
    problem = asyncio.run(signals(api).inspect(OLD))[0].problem
    assert f'nothing matches `envoy_cluster_name="{OLD.key}"`' in problem
    assert repr(NEW.key) in problem
    api.answers["sum by"] = Answer(401, {}, b"who are you")
    assert "who are you" in asyncio.run(signals(api).inspect(OLD))[0].problem


# --- gauges -----------------------------------------------------------------------------------------------------------


def test_a_gauge_is_shown_for_each_instance() -> None:
    api = Api()
    asked = {"memory": 'process_resident_memory_bytes{version="{version}"}'}
    source = signals(api, lambda: NOW, template=None, gauges=asked)
    for instance, value in (("a:1", 5e6), ("b:1", 7e6)):
        api.set("process_resident_memory_bytes", value, version=OLD.key, instance=instance)
        api.set("process_resident_memory_bytes", 1e9, version=NEW.key, instance=instance)
    assert read(source) == Arm(gauges={"memory": {"a:1": 5e6, "b:1": 7e6}})
    api.series.clear()
    later = signals(api, lambda: NOW + 60, template=None, gauges=asked)
    assert read(later) == Arm()


def test_a_gauge_may_be_a_rate_and_comes_beside_the_counters() -> None:
    settings = Settings(
        url="http://p:1", template="envoy", gauges={"cpu": "rate(process_cpu_seconds_total[1m])"}
    )
    asked = {query.name: query.text for query in queries(settings, OLD, "arm")}
    assert asked["gauges.cpu"] == "sum by (instance) (rate(process_cpu_seconds_total[1m]))"
    assert "requests" in asked
