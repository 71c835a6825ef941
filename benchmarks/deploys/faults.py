"""Versions that fail a known share of their requests: how soon they are off traffic, and what a rollback takes."""

from __future__ import annotations

import math
import statistics
from typing import Any

from benchmarks.town import Brooks, Town, folder, town
from benchmarks.witness import NOBODY, Seen, Witness
from headgate.core.model import Stage
from headgate.core.story.report import Report

REQUESTS_PER_S = 200.0
STEP = (Stage(weight=10, bake_s=60.0, deadline_s=90.0),)
LIMITS_S = {0.2: 3.0, 0.05: 15.0}
"""How soon a version that fails this share of its requests shall be off traffic."""

RATIOS = tuple(LIMITS_S)
INTERVALS = ("500ms", "1s")
RUNS, RUNS_QUICK = 10, 2
ROLLBACKS, ROLLBACKS_QUICK = 100, 10
"""In all: those of the runs above, and as many hopeless versions as are missing."""

SERVICE = "brook"


def measure(*, quick: bool) -> dict[str, Any]:
    """`detection` by share and interval, `rollback` over all of them, and whatever clients lost beside."""
    runs, least = (RUNS_QUICK, ROLLBACKS_QUICK) if quick else (RUNS, ROLLBACKS)
    rows: list[dict[str, Any]] = []
    reports: list[Report] = []
    other = 0
    for interval in INTERVALS:
        share = least // len(INTERVALS) - runs * len(RATIOS)
        told, seen = _town(interval, {**dict.fromkeys(RATIOS, runs), 1.0: max(0, share)})
        other += _not_their_fault(seen)
        rows += [_row(ratio, interval, told[ratio], seen) for ratio in RATIOS]
        reports += [report for group in told.values() for _, report in group]
    return {"detection": rows, "rollback": _rollbacks(reports), "lost_beside": other}


Told = dict[float, list[tuple[str, Report]]]


def _town(interval: str, wanted: dict[float, int]) -> tuple[Told, Seen]:
    """Release so many versions of each share, one after the other, under load all the while."""
    told: Told = {ratio: [] for ratio in wanted}
    with folder() as home, town(home) as made:
        brooks = Brooks(home, [SERVICE], interval=interval)
        made.deploy([brooks.release(SERVICE)], brooks.rules)
        with Witness(brooks.url(SERVICE), REQUESTS_PER_S) as witness:
            for ratio, count in wanted.items():
                told[ratio] += [_bad(made, brooks, ratio) for _ in range(count)]
        return told, witness.seen


def _bad(made: Town, brooks: Brooks, ratio: float) -> tuple[str, Report]:
    wish = brooks.release(SERVICE, ratio, STEP)
    return wish.label, made.deploy([wish], brooks.rules)


def _row(ratio: float, interval: str, told: list[tuple[str, Report]], seen: Seen) -> dict[str, Any]:
    """Seconds by the client's clock, from the first bad answer to the last bad one, and to the last of any kind.

    `all` is the latter for each run, with its number of bad answers.
    """
    caught = [label for label, report in told if report.outcome == "rolled_back"]
    sightings = [seen.releases[label] for label in caught if label in seen.releases]
    spans = [(s.first_bad_s, s.last_bad_s, s.last_s, s.bad) for s in sightings]
    bad_s = sorted(last - first for first, last, _, _ in spans if first is not None and last is not None)
    gone_s = sorted(last - first for first, _, last, _ in spans if first is not None)
    return {
        "fails": ratio,
        "interval": interval,
        "runs": len(told),
        "caught": len(caught),
        "median_s": round(statistics.median(bad_s), 2),
        "max_s": round(bad_s[-1], 2),
        "off_median_s": round(statistics.median(gone_s), 2),
        "off_max_s": round(gone_s[-1], 2),
        "bad_median": statistics.median(bad for *_, bad in spans),
        "late": sum(value > LIMITS_S[ratio] for value in gone_s) + len(told) - len(caught),
        "all": [f"{last - first:.2f}:{bad}" for first, _, last, bad in spans if first is not None],
    }


def _rollbacks(reports: list[Report]) -> dict[str, Any]:
    """Milliseconds from the failing verdict to the proxy's confirmation, as the ledger has them."""
    took = sorted(1000 * report.restored_after_s for report in reports if report.restored_after_s is not None)
    return {
        "rollbacks": len(took),
        "p50_ms": round(statistics.median(took), 1),
        "p90_ms": round(statistics.quantiles(took, n=10)[-1], 1),
        "p99_ms": round(took[math.ceil(0.99 * len(took)) - 1], 1),
        "max_ms": round(took[-1], 1),
        "over_100_ms": sum(one > 100 for one in took),
        "not_for_errors": [report.reason for report in reports if not report.reason.startswith("errors ")],
    }


def _not_their_fault(seen: Seen) -> int:
    """Bad answers that no release was meant to give: the proxy's own, and requests without any answer."""
    return seen.releases[NOBODY].bad if NOBODY in seen.releases else 0
