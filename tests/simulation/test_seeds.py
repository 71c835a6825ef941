"""A few thousand seeds: safe under faults, and once they have healed, everything comes to an end.

To see one that fails: `python -m tests.simulation.test_seeds SEED`, or `headgate simulate --seed SEED`.
"""

import sys

import pytest

from headgate.lab.simulation import Report, simulate, simulate_many
from headgate.lab.simulation.weather import FAULTS

CHUNK, CHUNKS = 500, 6
ORDERS = ("prepare", "stop", "apply")
FAULT_KINDS = {
    *(f"{call} {fault}" for call, faults in FAULTS.items() for fault in faults),
    *(f"crash {when} {order}" for when in ("before", "during", "after") for order in ORDERS),
    *("crash before append", "crash after append", "kill", "close", "usurp", "version dies", "read blind"),
    *("append outage", "apply outage", "pause", "platform gone"),
}
OUTCOMES = {
    *("good promoted", "good rolled_back", "good refused", "good aborted"),
    *("errors rolled_back", "crash rolled_back", "slow rolled_back", "dies rolled_back", "smoke rolled_back"),
    "greedy rolled_back",
}
HOLDS = {"inconclusive", "no_data", "external", "unverified", "stable_lost", "illegal"}
SEEN = {
    "external",
    "shared",
    "deadline",
    "leaving",
    "away",
    "returning",
    "fresh",
    "ahead of the ledger",
    "barred",
    "two platforms",
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeds(chunk: int) -> None:
    told: list[str] = []

    def tell(report: Report) -> None:
        if report.violations:
            told.append(report.story())

    tally = simulate_many(range(chunk * CHUNK, (chunk + 1) * CHUNK), tell)
    assert not tally.failed, f"{len(tally.failed)} seeds: {tally.failed}\n" + told[0]
    assert set(tally.faults) >= FAULT_KINDS
    assert set(tally.ended) >= OUTCOMES
    assert set(tally.holds) >= HOLDS
    assert set(tally.seen) >= SEEN
    assert not any(kind.endswith(" open") for kind in tally.ended)

    calm = tally.ended_calm
    assert calm["good promoted"] >= CHUNK / 3
    assert calm["good rolled_back"] <= 0.01 * calm["good promoted"]
    assert calm["good refused"] == 0
    assert calm["good aborted"] <= 0.05 * calm["good promoted"]
    assert calm["errors rolled_back"] > 0
    assert calm["errors promoted"] == calm["crash promoted"] == calm["greedy promoted"] == 0


if __name__ == "__main__":
    print(simulate(int(sys.argv[1]), print).story())
