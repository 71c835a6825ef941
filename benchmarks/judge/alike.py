"""Bakes of a day with a version like stable: how often it is rolled back. Some 2,000 runs, kept as they come.

A run is 5,760 intervals, so a scene takes minutes; what is done is kept in `benchmarks/out/alike.ndjson` and taken up
again by the next call, as long as the judge's code is the same.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.judge.bakes import SPEC, Bake, flow, judged
from benchmarks.judge.rivals import RULES

SEED = 20240229
CHUNK = 25
PLAIN = 0.2
"""The part of the runs that independent errors get: bursts are what rolls good versions back."""
SURE = 1.96
HERE = Path(__file__).parents[2]
JUDGE = HERE / "src" / "headgate" / "core" / "judge"
KEPT = HERE / "benchmarks" / "out" / "alike.ndjson"
SCENES = tuple(
    Bake(f"{bursts}; {drift}", 50, 10, 0.005, 1.0, bursts, drift, hours=24.0)
    for bursts in ("bursts of 1-4", "retry storms", "independent")
    for drift in ("none", "incidents")
)


def judge_digest() -> str:
    """Which judge was measured: a short digest of its code (the planner and comments included are no part of it)."""
    digest = hashlib.sha256()
    for file in sorted(JUDGE.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _known(kept: Path, digest: str) -> dict[tuple[str, int], int]:
    if not kept.exists():
        return {}
    rows = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    return {(row["scene"], row["chunk"]): row["failed"] for row in rows if row["judge"] == digest}


def _chunk(scene: Bake, chunk: int) -> int:
    number = int.from_bytes(hashlib.sha256(scene.name.encode()).digest()[:4], "big")
    seen = flow(np.random.default_rng((SEED, number, chunk)), scene, CHUNK)
    return int(np.isfinite(judged(SPEC, scene, seen)).sum())


def wilson(failed: int, runs: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927)."""
    if not runs:
        return 0.0, 1.0
    p, z2 = failed / runs, SURE**2
    middle = (p + z2 / (2 * runs)) / (1 + z2 / runs)
    width = SURE / (1 + z2 / runs) * math.sqrt(p * (1 - p) / runs + z2 / (4 * runs * runs))
    return max(middle - width, 0.0), min(middle + width, 1.0)


def _missing(known: dict[tuple[str, int], int], runs: int) -> Iterator[tuple[Bake, int]]:
    for chunk in range(math.ceil(runs / CHUNK)):
        for scene in SCENES:
            plain = scene.bursts == "independent" and chunk >= math.ceil(PLAIN * runs / CHUNK)
            if (scene.name, chunk) not in known and not plain:
                yield scene, chunk


def measure(runs: int, kept: Path = KEPT) -> None:
    """Run what is missing of so many runs of every scene, a few of each at a time."""
    digest = judge_digest()
    kept.parent.mkdir(parents=True, exist_ok=True)
    for scene, chunk in _missing(_known(kept, digest), runs):
        row = {
            "judge": digest,
            "scene": scene.name,
            "chunk": chunk,
            "runs": CHUNK,
            "failed": _chunk(scene, chunk),
        }
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def rows(kept: Path = KEPT) -> list[dict[str, float | str]]:
    """What is known of each scene, by the judge that was measured: today's first, and those before it."""
    lines = (
        [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []
    )
    judges = list(dict.fromkeys([judge_digest(), *(row["judge"] for row in reversed(lines))]))
    return [row for judge in judges for scene in SCENES if (row := _row(judge, scene, _known(kept, judge)))]


def _row(judge: str, scene: Bake, known: dict[tuple[str, int], int]) -> dict[str, float | str]:
    failed = [count for (name, _), count in known.items() if name == scene.name]
    if not failed:
        return {}
    runs = CHUNK * len(failed)
    low, high = wilson(sum(failed), runs)
    return {
        "errors": scene.bursts,
        "both arms": scene.drift,
        "judge": judge,
        "runs": runs,
        "rolled back": sum(failed),
        "%": 100 * sum(failed) / runs,
        "95% interval": f"{100 * low:.2f}-{100 * high:.2f}%",
    }


def run(runs: int) -> list[dict[str, float | str]]:
    """Run what is missing, and say all that is known."""
    measure(runs)
    return rows()


def rivals(runs: int) -> list[dict[str, float | str]]:
    """The rules that people use, on days like these: percent rolled back. The judge's are in the table above."""
    found: list[dict[str, float | str]] = []
    for number, scene in enumerate(SCENES):
        row: dict[str, float | str] = {"errors": scene.bursts, "both arms": scene.drift, "runs": runs}
        failed = dict.fromkeys(RULES, 0)
        for lot in range(math.ceil(runs / CHUNK)):
            seen = flow(np.random.default_rng((SEED, number, lot)), scene, min(CHUNK, runs - lot * CHUNK))
            for name, rule in RULES.items():
                failed[name] += int(np.isfinite(rule(seen.counts)).sum())
        found.append(row | {name: 100 * count / runs for name, count in failed.items()})
    return found
