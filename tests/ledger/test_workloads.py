"""What the last releases say of a unit's traffic, and that a damaged sample hinders nobody."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from headgate.core.model import Arm, Sample, Unit
from headgate.core.model.summary import Summary
from headgate.ledger import LedgerCorrupt, MemoryLedger
from headgate.ledger.workloads import SAMPLES_MAX, workload, workloads
from headgate.testing.ledger import UNIT, a_sample, a_summary

OTHER = Unit("shop", "production", "api")


class Written(MemoryLedger):
    """A ledger with these samples in either of two releases; `asked` are those whose samples were read."""

    def __init__(self, samples: list[Sample], *, damaged: bool = False) -> None:
        super().__init__()
        self._written, self._damaged = samples, damaged
        self.asked: list[str] = []

    def summaries(self, *, service: str | None = None, **_asked: object) -> list[Summary]:
        return [a_summary(name, 1, closed=True) for name in ("r2", "r1")] if service == UNIT.service else []

    def samples(self, release: str) -> list[Sample]:
        self.asked.append(release)
        if self._damaged:
            raise LedgerCorrupt("a sample was changed after it was written")
        return self._written


def sampled(seconds: int) -> list[Sample]:
    both = Arm(90, 1), Arm(10, 0)
    return [replace(a_sample(float(at)), stable=both[0], canary=both[1]) for at in range(seconds)]


def test_the_traffic_of_both_arms_together() -> None:
    found = workloads(Written(sampled(60)), [UNIT, OTHER])
    assert set(found) == {UNIT}
    assert found[UNIT].errors.rate == pytest.approx(100.0)
    assert found[UNIT].errors.base == pytest.approx(1 / 90)


def test_too_little_says_nothing() -> None:
    assert workloads(Written(sampled(0)), [UNIT]) == {}


def test_a_plan_reads_no_more_releases_than_it_takes() -> None:
    ledger = Written(sampled(SAMPLES_MAX + 10))
    assert workloads(ledger, [UNIT])
    assert ledger.asked == ["r2"]
    assert workload(ledger, UNIT) is not None
    assert ledger.asked[1:] == ["r2", "r1"]


def test_a_damaged_sample_keeps_nobody_from_a_release() -> None:
    ledger = Written(sampled(60), damaged=True)
    assert workloads(ledger, [UNIT]) == {}
    with pytest.raises(LedgerCorrupt):
        workload(ledger, UNIT)
