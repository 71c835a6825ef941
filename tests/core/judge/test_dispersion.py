"""What stable teaches about bursts."""

import random

import pytest

from headgate.core.judge.evidence.dispersion import (
    BLOCK,
    CAUTION,
    PHI_MAX,
    Dispersion,
    cautious_phi,
    lasting,
    learn,
    plain_phi,
)

NO_HALF = (0, 0)


def taught(bursts: int, intervals: int = 400, *, halves: bool = True, lasts: int = 1) -> Dispersion:
    """Errors that come `bursts` at a time, whole into one of two instances, over `lasts` intervals."""
    rng = random.Random(4)
    errors = [[0, 0] for _ in range(intervals + lasts)]
    for k in range(intervals):
        for _ in range(sum(rng.random() < 0.2 for _ in range(10))):
            instance = rng.randrange(2)
            for _ in range(bursts):
                errors[k + rng.randrange(lasts)][instance] += 1
    d = Dispersion()
    for one, other in errors[:intervals]:
        d = learn(d, 2000, one + other, (1000, one) if halves else NO_HALF)
    return d


def test_without_data_it_is_cautious() -> None:
    assert cautious_phi(Dispersion()) == pytest.approx(CAUTION)
    assert plain_phi(Dispersion()) == 1.0


def test_single_errors_allay_caution() -> None:
    d = taught(1)
    assert cautious_phi(d) < 1.35
    assert plain_phi(d) < 1.3


@pytest.mark.parametrize("halves", [True, False])
@pytest.mark.parametrize("bursts", [3, 6])
def test_bursts_are_seen(bursts: int, halves: bool) -> None:  # noqa: FBT001
    assert bursts * 0.7 < cautious_phi(taught(bursts, halves=halves)) < bursts * 1.6


def test_storms_that_last_are_seen_in_blocks() -> None:
    d = taught(8, lasts=4)
    assert cautious_phi(d) > 5


def test_whether_bursts_last() -> None:
    assert lasting(Dispersion()) == 1
    assert lasting(taught(1)) == 1
    assert lasting(taught(8)) == 1
    assert lasting(taught(8, lasts=4)) == BLOCK


def test_an_incident_does_not_blind_for_ever() -> None:
    d = taught(1, 200)
    for errors in (2000, 2000):
        d = learn(d, 2000, errors // 2, (1000, errors // 4))
    assert cautious_phi(d) <= PHI_MAX
    for _ in range(100):
        d = learn(d, 2000, 2, (1000, 1))
    assert cautious_phi(d) < 30


def test_silence_teaches_nothing() -> None:
    d = Dispersion()
    for _ in range(50):
        d = learn(d, 0, 0, NO_HALF)
        assert d == Dispersion()
    for _ in range(50):
        d = learn(d, 100, 0, (50, 0))
    assert cautious_phi(d) == pytest.approx(CAUTION)


def test_all_cases_bad_teaches_nothing() -> None:
    d = Dispersion()
    for _ in range(50):
        d = learn(d, 100, 100, (50, 50))
    assert cautious_phi(d) == pytest.approx(CAUTION)
