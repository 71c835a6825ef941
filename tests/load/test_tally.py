"""Histograms and counts: within their precision, and the same whether counted at once or merged."""

import math
from random import Random

import pytest

from headgate.lab.load.results import OTHERS
from headgate.lab.load.tally import VERSIONS_MAX, Ending, JourneyEnding, LatencyTally, WindowTally


def latencies_ms(count: int) -> list[float]:
    random = Random(5)
    return [random.lognormvariate(1.5, 1.2) for _ in range(count)]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_a_quantile_is_at_most_4_percent_above_the_truth(share: float) -> None:
    values = latencies_ms(5000)
    tally = LatencyTally()
    for value in values:
        tally.record(value)
    truth = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    found = tally.freeze().quantile_ms(share)
    assert found is not None
    assert max(truth, 0.05) - 1e-3 <= found <= max(truth, 0.05) * 1.04 + 1e-3


def test_one_value_is_all_there_is_to_tell() -> None:
    tally = LatencyTally()
    tally.record(12.5)
    latency = tally.freeze()
    assert latency.count == 1
    assert latency.mean_ms == latency.p50_ms == latency.p99_ms == latency.max_ms == 12.5


def test_nothing_is_not_zero() -> None:
    latency = LatencyTally().freeze()
    assert (latency.count, latency.mean_ms, latency.p99_ms, latency.max_ms) == (0, None, None, None)
    assert latency.quantile_ms(0.5) is None


def test_over_counts_the_tail() -> None:
    tally = LatencyTally()
    for value in (*[5.0] * 90, *[600.0] * 10):
        tally.record(value)
    assert tally.freeze().over(400) == 10


def fill(tally: WindowTally, seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        tally.started["buy"] += 1
        tally.record("buy.cart", random.choice(list(Ending)), random.expovariate(0.1), random.choice("ab"))
        tally.record_answer("buy.cart", met=random.random() < 0.5)
        tally.record_journey("buy", random.choice(list(JourneyEnding)))


def test_merged_windows_are_the_whole() -> None:
    whole, merged = WindowTally(), WindowTally()
    for seed in (1, 2, 3):
        part = WindowTally()
        fill(part, seed)
        fill(whole, seed)
        merged.merge(part)
    assert merged.freeze(0, 1) == whole.freeze(0, 1)


def test_every_request_is_counted_once() -> None:
    tally = WindowTally()
    fill(tally, 9)
    window = tally.freeze(0, 4)
    counts = window.counts
    assert counts.requests == 200
    assert window.requests_per_s == 50
    assert sum(version.requests for version in window.versions.values()) == 200
    assert window.steps["buy.cart"].met + window.steps["buy.cart"].unmet == 200
    # Without an answer there is no latency, except for a timeout's.
    assert counts.latency.count == 200 - counts.resets - counts.connect_errors
    assert counts.bad == counts.failed + counts.resets + counts.connect_errors + counts.timeouts


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (200, Ending.ANSWERED),
        (304, Ending.ANSWERED),
        (404, Ending.REFUSED),
        (500, Ending.FAILED),
        (503, Ending.FAILED),
    ],
)
def test_a_status_is_an_ending(status: int, ending: Ending) -> None:
    assert Ending.of_status(status) is ending


def test_a_server_that_invents_versions_cannot_fill_the_memory() -> None:
    tally = WindowTally()
    for number in range(VERSIONS_MAX + 50):
        tally.record("get.page", Ending.ANSWERED, 1.0, f"v{number}")
    versions = tally.freeze(0, 1).versions
    assert len(versions) == VERSIONS_MAX + 1
    assert versions[OTHERS].requests == 50
