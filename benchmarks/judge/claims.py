"""What the judge is held to, beside the contest: late faults, false promotion, low traffic, the bounds nobody beats."""

import math
from dataclasses import replace

import numpy as np

from benchmarks.judge.bakes import DECLARED, INTERVAL_S, SPEC, Bake, Flow, flow, judged, verdicts
from benchmarks.judge.contest import BAKES, DECLARED_NAME, ORACLE, OURS
from benchmarks.judge.traffic import UNIT
from headgate.core.judge.deadline import at_deadline
from headgate.core.judge.judge import observe, start
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.model.sample import Arm, Sample

Row = dict[str, float | str]
LATE_H = 4.0
LATE = (
    Bake("200/s, 5%, 0.1% fivefold", 200, 5, 0.001, 5, hours=24.0),
    Bake("20/s, 10%, 1% threefold", 20, 10, 0.01, 3, hours=24.0),
    Bake("200/s, 5%, 0.1% fivefold, bursts", 200, 5, 0.001, 5, "bursts of 1-4", hours=24.0),
)


def late_faults(rng: np.random.Generator, runs: int) -> list[Row]:
    """A fault four hours into a bake of a day, against the same one at the start. Goal: 2.2 times as long at most."""
    rows: list[Row] = []
    for bake in LATE:
        for name, spec in (("learnt", SPEC), ("1 declared", DECLARED)):
            if spec is DECLARED and bake.bursts != "independent":
                continue
            soon = judged(spec, bake, flow(rng, bake, runs))
            late_bake = replace(bake, onset_s=LATE_H * 3600)
            late = judged(spec, late_bake, flow(rng, late_bake, runs)) - LATE_H * 3600
            early, found = np.mean(soon[np.isfinite(soon)]), late[(late > 0) & np.isfinite(late)]
            rows.append(
                {
                    "scene": bake.name,
                    "dispersion": name,
                    "runs": runs,
                    "at the start, min": float(early) / 60,
                    "after 4 h, min": float(found.mean()) / 60,
                    "times": float(found.mean() / early),
                    "missed, %": 100 * float(np.isinf(late).mean()),
                }
            )
    return rows


def false_promotions(rng: np.random.Generator, runs: int) -> list[Row]:
    """Versions exactly as bad as `worse` and `worse_by` say that pass within two hours. Goal: beta at most."""
    rows: list[Row] = []
    for base in (0.001, 0.01, 0.05, 0.1):
        harmful = max(SPEC.worse * base, base + SPEC.worse_by)
        for bursts in ("independent", "bursts of 1-4", "retry storms"):
            row: Row = {
                "stable": f"{100 * base:g}%",
                "canary": f"{100 * harmful:g}%",
                "errors": bursts,
                "runs": runs,
            }
            for name, lead_s in (("passed, %", 0.0), ("after 10 min of stable, %", 600.0)):
                bake = Bake("", 50, 10, base, harmful / base, bursts, lead_s=lead_s)
                seen = flow(rng, bake, runs)
                row[name] = 100 * sum(_passes(bake, seen, run) for run in range(runs)) / runs
            rows.append(row)
    return rows


def _passes(bake: Bake, seen: Flow, run: int) -> bool:
    ends = (verdict.kind for verdict in verdicts(SPEC, bake, seen, run) if verdict.kind in {"pass", "fail"})
    return next(ends, "watch") == "pass"


def low_traffic(rng: np.random.Generator, runs: int) -> list[Row]:
    """Ten intervals, two errors expected in each arm's, the canary doubles them: found, with all of alpha = 1%.

    Goal: at least 45% with a share of alpha spent at the deadline.
    """
    rows: list[Row] = []
    for share in (0.0, 0.6, 0.8):
        spec = JudgeSpec((ErrorRatio(factor=1.0),), dispersion=1.0, deadline_share=share, promote=False)
        found = {times: sum(_found(rng, spec, times) for _ in range(runs)) for times in (1.0, 2.0)}
        rows.append(
            {
                "share of alpha at the deadline": share,
                "runs": runs,
                "doubled, found, %": 100 * found[2.0] / runs,
                "alike, rolled back, %": 100 * found[1.0] / runs,
            }
        )
    return rows


def _found(rng: np.random.Generator, spec: JudgeSpec, times: float) -> bool:
    state = start(spec)
    for k in range(10):
        arms = Arm(200, int(rng.poisson(2.0))), Arm(200, int(rng.poisson(2.0 * times)))
        state, verdict = observe(spec, state, Sample(UNIT, 15.0 * k, 15.0, 50, *arms), 0)
        if verdict.kind == "fail":
            return True
    return at_deadline(spec, state)[1].kind == "fail"


def bounds(rows: list[Row]) -> list[Row]:
    """The contest's delays against the oracle (goal: 2 to 3 times) and the information bound (1.5 times and 15 s).

    The bound is said where nothing drifts and the fault is there from the start; elsewhere it is no bound.
    """
    found: list[Row] = []
    for bake in BAKES:
        here = {str(row["rule"]): row for row in rows if row["scene"] == bake.name}
        if ORACLE not in here or here[ORACLE]["mean_delay_min"] == "":
            continue
        bound, oracle = float(here[ORACLE]["bound_min"]), float(here[ORACLE]["mean_delay_min"])
        row: Row = {
            "scene": bake.name,
            "oracle, min": oracle,
            "headgate, times the oracle": _delay(here[OURS]) / oracle,
        }
        plain = bake.drift == "none" and not bake.onset_s and not bake.unlike
        row |= {"bound, min": "", "dispersion 1, times the bound": "", "within 1.5 bounds + 15 s": ""}
        if plain and DECLARED_NAME in here:
            declared = _delay(here[DECLARED_NAME])
            reached = declared <= 1.5 * bound + INTERVAL_S / 60
            row |= {"bound, min": bound, "dispersion 1, times the bound": declared / bound}
            row["within 1.5 bounds + 15 s"] = "yes" if reached else "NO"
        found.append(row)
    return found


def _delay(row: Row) -> float:
    return float(row["mean_delay_min"]) if row["mean_delay_min"] != "" else math.inf
