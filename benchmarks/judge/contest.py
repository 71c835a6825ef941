"""The judge among the rules that people use now: false rollbacks and delays over scenes, the same traffic for all.

The bad version runs for ten hours, and so does the good one: within them a rule either keeps its false rollbacks under
5% or it does not, and only rules that do are rivals.
"""

import math
from dataclasses import replace

import numpy as np

from benchmarks.judge.bakes import ALPHA, DECLARED, INTERVAL_S, NULL, SPEC, Bake, flow, judged
from benchmarks.judge.rivals import RULES, Counts, information_bound, oracle
from benchmarks.judge.traffic import BURSTS
from headgate.core.model.criteria import JudgeSpec

Row = dict[str, float | str]
HOURS = 10.0
SHORT_S = 7200.0
ALLOWED = 5.0
"""Percent of good versions that a rival may roll back."""
LOT = 100
"""So many runs at once: what they take of memory is bounded."""
MISSED = 5.0
"""Percent of bad versions that a rule may miss within the ten hours and still be said to find them."""
OURS = "headgate"
DECLARED_NAME = "headgate, dispersion 1"
ORACLE = "oracle (Wald)"


def _bake(name: str, rate: float, weight: float, base: float, factor: float, **more: object) -> Bake:
    return replace(Bake(name, rate, weight, base, factor, hours=HOURS), **more)  # type: ignore[arg-type]


BAKES = (
    _bake("200/s, 5%, 0.1% doubles", 200, 5, 0.001, 2),
    _bake("200/s, 5%, 0.1% fivefold", 200, 5, 0.001, 5),
    _bake("200/s, 5%, 0.1% fivefold, bursts", 200, 5, 0.001, 5, bursts="bursts of 1-4"),
    _bake("200/s, 5%, 0.1% fivefold, storms", 200, 5, 0.001, 5, bursts="retry storms"),
    _bake("20/s, 10%, 1% doubles", 20, 10, 0.01, 2),
    _bake("20/s, 10%, 1% fivefold", 20, 10, 0.01, 5),
    _bake("20/s, 10%, 1% fivefold, daily cycle", 20, 10, 0.01, 5, drift="cycle"),
    _bake("20/s, 10%, 1% fivefold, shared drift", 20, 10, 0.01, 5, drift="gamma"),
    _bake("20/s, 10%, 1% fivefold, incidents", 20, 10, 0.01, 5, drift="incidents"),
    _bake("20/s, 10%, 1% fivefold, unlike instances", 20, 10, 0.01, 5, unlike=0.1),
    _bake("20/s, 10%, 0.1% twentyfold", 20, 10, 0.001, 20),
    _bake("2/s, 50%, 1% fivefold", 2, 50, 0.01, 5),
    _bake("2/s, 10%, 5% fivefold", 2, 10, 0.05, 5),
    _bake("1000/s, 1%, 0.01% tenfold", 1000, 1, 0.0001, 10),
    _bake("200/s, 5%, 5% by half", 200, 5, 0.05, 1.5),
    _bake("200/s, 5%, 0.1% fivefold after 4 h", 200, 5, 0.001, 5, onset_s=14400.0),
    _bake(
        "50/s, 1-5-25-50%, 0.5% doubles, bursts", 50, 1, 0.005, 2, bursts="bursts of 1-4", ramp=(1, 5, 25, 50)
    ),
    _bake("50/s, 10%, 0.5%, half as slow again", 50, 10, 0.005, 1, latency=True, slower=1.5),
)


def _specs(bake: Bake) -> dict[str, JudgeSpec]:
    if bake.latency:
        return {OURS: JudgeSpec(alpha=ALPHA, interval_s=INTERVAL_S)}
    declared = {DECLARED_NAME: DECLARED} if bake.bursts == "independent" else {}
    return {OURS: SPEC, **declared}


def times(rng: np.random.Generator, bake: Bake, runs: int) -> dict[str, np.ndarray]:
    """When each rule rolls back, per run; the oracle too, where the canary fails more often than stable."""
    found: dict[str, list[np.ndarray]] = {}
    for begin in range(0, runs, LOT):
        seen = flow(rng, bake, min(LOT, runs - begin))
        ours = {name: judged(spec, bake, seen) for name, spec in _specs(bake).items()}
        theirs = {name: rule(seen.counts) for name, rule in RULES.items()}
        known = {ORACLE: _oracle(bake, seen.counts)} if bake.factor > NULL else {}
        for name, at in (ours | theirs | known).items():
            found.setdefault(name, []).append(at)
    return {name: np.concatenate(lots) for name, lots in found.items()}


def phi_of(bake: Bake) -> float:
    """The dispersion of the scene's bursts."""
    burst = BURSTS[bake.bursts](np.random.default_rng(1), 100_000).astype(float)
    return float((burst**2).mean() / burst.mean())


def _oracle(bake: Bake, counts: Counts) -> np.ndarray:
    return oracle(counts, bake.factor, NULL, phi_of(bake), bake.onset_s)


def bound_s(bake: Bake) -> float:
    """The information bound, times the dispersion."""
    if bake.factor <= NULL:
        return math.inf
    begins = round(bake.onset_s / INTERVAL_S)
    weights = bake.weights[begins:]
    needed = phi_of(bake) * math.log(1 / ALPHA)
    return INTERVAL_S * information_bound(
        (weights, bake.rate * INTERVAL_S, bake.base, bake.factor), NULL, math.exp(-needed)
    )


def contest(rng: np.random.Generator, runs: int) -> list[Row]:
    """A row per scene and rule: good versions rolled back, bad ones missed, and the mean delay of those found."""
    rows: list[Row] = []
    for bake in BAKES:
        falsely = times(rng, replace(bake, factor=1.0, slower=1.0), runs)
        found = times(rng, bake, runs)
        rows += [_row(bake, name, at, falsely.get(name)) for name, at in found.items()]
    return rows


def _row(bake: Bake, name: str, at: np.ndarray, falsely: np.ndarray | None) -> Row:
    late = at[(at > bake.onset_s) & np.isfinite(at)] - bake.onset_s
    early = "" if falsely is None else 100 * float((falsely <= SHORT_S).mean())
    ever = "" if falsely is None else 100 * float(np.isfinite(falsely).mean())
    bound = bound_s(bake)
    return {
        "scene": bake.name,
        "rule": name,
        "false in 2 h, %": early,
        "false_percent": ever,
        "missed_percent": 100 * float(np.isinf(at).mean()),
        "mean_delay_min": float(late.mean()) / 60 if len(late) else "",
        "bound_min": bound / 60 if math.isfinite(bound) else "",
    }


def ahead(rows: list[Row]) -> list[Row]:
    """Per scene: the quickest rule that keeps its false rollbacks under 5% and finds the fault, beside the judge."""
    found: list[Row] = []
    for scene in dict.fromkeys(str(row["scene"]) for row in rows):
        here = {str(row["rule"]): row for row in rows if row["scene"] == scene}
        ours = _mean(here[OURS])
        rivals = [row for name, row in here.items() if name in RULES and _keeps(row)]
        best = min(rivals, key=_mean, default=None)
        theirs = math.inf if best is None else _mean(best)
        found.append(
            {
                "scene": scene,
                "headgate, min": ours,
                "quickest rival, min": theirs if math.isfinite(theirs) else "none",
                "which": str(best["rule"]) if best is not None and math.isfinite(theirs) else "",
                "its false rollbacks, %": best["false_percent"]
                if best is not None and math.isfinite(theirs)
                else "",
                "ahead": "yes" if ours <= theirs else "NO",
            }
        )
    return found


def _keeps(row: Row) -> bool:
    return float(row["false_percent"]) < ALLOWED


def _mean(row: Row) -> float:
    """The mean delay where nearly all are found; what a rule misses it is not quicker at."""
    if row["mean_delay_min"] == "" or float(row["missed_percent"]) > MISSED:
        return math.inf
    return float(row["mean_delay_min"])
