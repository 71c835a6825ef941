from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.model import HttpCheck, Probe, Probes, TcpCheck
from headgate.plugins.targets.local.probes import Health, Kind, Threshold, ready_within_s
from headgate.plugins.targets.local.watch import Backoff

CHECK = HttpCheck("/")


def probe(**changes: Any) -> Probe:  # noqa: ANN401 - fields of a Probe
    return Probe(CHECK, **changes)


def test_readiness_takes_its_thresholds_in_a_row() -> None:
    threshold = Threshold(probe(failure_threshold=3, success_threshold=2), passing=False)
    seen = [
        threshold.observe(passed=passed)
        for passed in (True, False, True, True, False, False, True, False, False, False)
    ]
    assert seen == [False, False, False, True, True, True, True, True, True, False]


def test_nothing_is_asked_before_startup_has_passed() -> None:
    health = Health(Probes(probe(failure_threshold=3), probe(), probe()), 100.0)
    assert health.due(100.0) == ("startup",)
    assert not health.observe("startup", 100.0, passed=False)
    assert health.due(100.5) == ()
    assert health.next_due() == 101.0
    assert not health.observe("startup", 101.0, passed=True)
    assert health.started
    assert not health.ready
    assert health.due(101.0) == ("readiness", "liveness")
    health.observe("readiness", 101.0, passed=True)
    assert health.ready


def test_startup_that_never_passes_means_a_restart() -> None:
    health = Health(Probes(probe(failure_threshold=3)), 0.0)
    assert [health.observe("startup", at, passed=False) for at in (0.0, 1.0, 2.0)] == [False, False, True]
    assert not health.started


def test_liveness_restarts_and_readiness_never_does() -> None:
    health = Health(Probes(None, probe(failure_threshold=1), probe(failure_threshold=2)), 0.0, ready=True)
    assert health.due(0.0) == ("readiness", "liveness")
    assert not health.observe("readiness", 0.0, passed=False)
    assert not health.ready
    assert not health.observe("liveness", 0.0, passed=False)
    assert not health.observe("liveness", 1.0, passed=True)
    assert not health.observe("liveness", 2.0, passed=False)
    assert health.observe("liveness", 3.0, passed=False)


def test_the_delay_counts_from_the_start_of_the_process() -> None:
    health = Health(Probes(probe(initial_delay_s=5), probe(initial_delay_s=20)), 100.0)
    assert health.due(104.9) == ()
    assert health.due(105.0) == ("startup",)
    health.observe("startup", 105.0, passed=True)
    assert health.next_due() == 120.0


def test_without_a_startup_probe_liveness_waits_for_the_first_readiness() -> None:
    health = Health(Probes(None, probe(), probe()), 0.0)
    assert health.due(59.0) == ("readiness",)
    health.observe("readiness", 5.0, passed=True)
    assert health.due(5.0) == ("liveness",)
    silent = Health(Probes(None, probe(), probe()), 0.0)
    silent.observe("readiness", 59.5, passed=False)
    assert silent.due(60.0) == ("liveness",)


def test_what_was_ready_need_not_begin_anew() -> None:
    health = Health(Probes(probe(), probe(), probe()), 0.0, started=True, ready=True)
    assert health.ready
    assert health.due(0.0) == ("readiness", "liveness")


def test_where_no_readiness_is_declared_it_must_listen() -> None:
    assert Health(Probes(), 0.0).probe("readiness").check == TcpCheck()


@pytest.mark.parametrize(
    ("probes", "seconds"),
    [
        (Probes(), 60 + 1 + 1),
        (Probes(probe(initial_delay_s=5, period_s=2, failure_threshold=10, timeout_s=3)), 5 + 20 + 3 + 2),
        (
            Probes(None, probe(initial_delay_s=7, period_s=2, success_threshold=3, timeout_s=1)),
            60 + 7 + 6 + 1,
        ),
    ],
)
def test_the_time_until_ready_is_bounded(probes: Probes, seconds: float) -> None:
    assert ready_within_s(probes) == seconds


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 5))
def test_liveness_asks_for_a_restart_exactly_after_enough_failures(answers: list[bool], allowed: int) -> None:
    health = Health(Probes(None, probe(), probe(failure_threshold=allowed)), 0.0, ready=True)
    in_a_row = 0
    for at, passed in enumerate(answers):
        in_a_row = 0 if passed else in_a_row + 1
        assert health.observe("liveness", float(at), passed=passed) == (in_a_row >= allowed)
        if in_a_row >= allowed:
            return


@given(st.lists(st.tuples(st.sampled_from(["startup", "readiness"]), st.booleans()), max_size=60))
def test_it_is_never_ready_before_it_has_started(answers: list[tuple[Kind, bool]]) -> None:
    health = Health(Probes(probe(failure_threshold=100), probe()), 0.0)
    started = False
    for at, (kind, passed) in enumerate(answers):
        if kind not in health.due(at * 10.0):
            continue
        health.observe(kind, at * 10.0, passed=passed)
        started = started or (kind == "startup" and passed)
        assert health.ready <= started


def test_restarts_back_off_as_on_kubernetes() -> None:
    backoff, now = Backoff(), 1000.0
    waits: list[float] = []
    for _ in range(8):
        due = backoff.due(now)
        waits.append(due - now)
        now = due
        backoff.restarted(now)
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]
    assert backoff.due(now + 601) == now + 601
