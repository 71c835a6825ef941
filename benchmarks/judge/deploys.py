"""Deploys through the judge: how many good ones it rolls back, and how soon it finds a bad one."""

import math
import time
from dataclasses import replace

import numpy as np

from benchmarks.judge.traffic import BURSTS, Scene, samples
from headgate.core.judge.judge import observe, start
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.model.verdict import Verdict

ERRORS_ONLY = JudgeSpec((ErrorRatio(),))
"""The whole budget on errors: the spec that is quickest to roll back."""
LEAD = ((0, 30),)
"""Half a minute of stable alone before the canary has traffic, as while a version is prepared."""
RATIOS = (0.0001, 0.001, 0.003, 0.01, 0.05)


def failed_at(
    rng: np.random.Generator, scene: Scene, spec: JudgeSpec
) -> tuple[float | None, float | None, Verdict]:
    """When the first bad answer of the canary came and when the verdict was `fail`, each None for never."""
    state, first = start(spec), None
    verdict = Verdict("no_data", "nothing yet")
    for step, sample in samples(rng, scene):
        if first is None and sample.canary is not None and sample.canary.errors:
            first = sample.at - sample.interval_s * float(rng.random(sample.canary.errors).max())
        state, verdict = observe(spec, state, sample, step)
        if verdict.kind == "fail":
            return first, sample.at, verdict
    return first, None, verdict


def false_rollbacks(rng: np.random.Generator, runs: int) -> list[dict[str, float | str]]:
    """Good deploys that are rolled back, by kind of burst and base error ratio; `runs` deploys per row."""
    rows: list[dict[str, float | str]] = []
    for name, lasts, lead in [
        *[(name, 1, False) for name in BURSTS],
        ("geometric, mean 3", 4, False),
        ("geometric, mean 3", 4, True),
        ("retry storms", 4, False),
        ("retry storms", 4, True),
    ]:
        base = Scene(bursts=name, lasts=lasts)
        scene = replace(base, steps=(*LEAD, *base.steps)) if lead else base
        bad = [0] * len(RATIOS)
        for k in range(runs):
            ratio = RATIOS[k % len(RATIOS)]
            _, at, _ = failed_at(rng, replace(scene, stable_errors=ratio, canary_errors=ratio), ERRORS_ONLY)
            bad[k % len(RATIOS)] += at is not None
        title = name + (f", over {lasts} s" if lasts > 1 else "") + (", 30 s of stable first" if lead else "")
        row: dict[str, float | str] = {"errors": title, "deploys": runs, "all": 100 * sum(bad) / runs}
        for ratio, failed in zip(RATIOS, bad, strict=True):
            row[f"{100 * ratio:g}%"] = 100 * failed * len(RATIOS) / runs
        rows.append(row)
    return rows


def shared_incidents(rng: np.random.Generator, runs: int) -> list[dict[str, float | str]]:
    """Good deploys rolled back while both arms have the same trouble."""
    rows: list[dict[str, float | str]] = []
    for drift in ("incident", "gamma"):
        for name in ("independent", "bursts of 1-4"):
            scene = Scene(stable_errors=0.005, canary_errors=0.005, drift=drift, bursts=name)
            bad = sum(failed_at(rng, scene, ERRORS_ONLY)[1] is not None for _ in range(runs))
            rows.append(
                {"both arms": drift, "errors": name, "deploys": runs, "rolled back": 100 * bad / runs}
            )
    return rows


def detection(rng: np.random.Generator, runs: int) -> list[dict[str, float | str]]:
    """Seconds from the first bad answer to the verdict, at 200 requests/s and 10%, with the default spec."""
    rows: list[dict[str, float | str]] = []
    for interval_s in (0.5, 1.0):
        for stable in (0.0, 0.001):
            for canary in (0.2, 0.05):
                scene = Scene(
                    steps=((10, 90),), interval_s=interval_s, stable_errors=stable, canary_errors=canary
                )
                rows.append(_delays(rng, scene, runs))
    return rows


def _delays(rng: np.random.Generator, scene: Scene, runs: int) -> dict[str, float | str]:
    delays: list[float] = []
    for _ in range(runs):
        first, at, _ = failed_at(rng, scene, JudgeSpec())
        delays.append(at - first if at is not None and first is not None else math.inf)
    found = np.array([delay for delay in delays if math.isfinite(delay)])
    return {
        "interval_s": scene.interval_s,
        "stable": f"{100 * scene.stable_errors:g}%",
        "canary": f"{100 * scene.canary_errors:g}%",
        "runs": runs,
        "mean_s": float(found.mean()),
        "median_s": float(np.median(found)),
        "q95_s": float(np.quantile(np.array(delays), 0.95)),
        "missed": 100 * (1 - len(found) / runs),
    }


def passing(rng: np.random.Generator, runs: int) -> list[dict[str, float | str]]:
    """Seconds until a healthy step at 10% may go on, with the default spec."""
    rows: list[dict[str, float | str]] = []
    for ratio in (0.0, 0.001, 0.01, 0.05):
        scene = Scene(steps=((10, 120),), stable_errors=ratio, canary_errors=ratio, latency=True)
        times: list[float] = []
        for _ in range(runs):
            state = start(JudgeSpec())
            for step, sample in samples(rng, scene):
                state, verdict = observe(JudgeSpec(), state, sample, step)
                if verdict.kind in {"pass", "fail"}:
                    times.append(sample.at if verdict.kind == "pass" else math.inf)
                    break
            else:
                times.append(math.inf)
        seen = np.array(times)
        rows.append(
            {
                "errors": f"{100 * ratio:g}%",
                "runs": runs,
                "median_s": float(np.median(seen)),
                "q95_s": float(np.quantile(seen, 0.95, method="nearest")),
            }
        )
    return rows


def speed(rng: np.random.Generator) -> list[dict[str, float | str]]:
    """Microseconds of processor time per interval."""
    rows: list[dict[str, float | str]] = []
    busy = Scene(stable_errors=0.01, canary_errors=0.01)
    for name, spec, scene in (
        ("errors, none seen", ERRORS_ONLY, replace(busy, stable_errors=0.0, canary_errors=0.0)),
        ("errors, 1%", ERRORS_ONLY, busy),
        ("errors 1% and latency (4 bounds)", JudgeSpec(), replace(busy, latency=True)),
    ):
        stream = samples(rng, scene)
        best = math.inf
        for _ in range(15):
            state, began = start(spec), time.process_time()
            for step, sample in stream:
                state, _ = observe(spec, state, sample, step)
            best = min(best, (time.process_time() - began) / len(stream))
        rows.append({"metrics": name, "us_per_interval": 1e6 * best})
    return rows
