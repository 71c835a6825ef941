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

SEED = 20240229
CHUNK = 25
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
            if (scene.name, chunk) not in known:
                yield scene, chunk


def measure(runs: int, kept: Path = KEPT) -> None:
    """Run what is missing of so many runs of every scene, a few of each at a time."""
    digest = judge_digest()
    kept.parent.mkdir(parents=True, exist_ok=True)
    for scene, chunk in _missing(_known(kept, digest), runs):
        row = {"judge": digest, "scene": scene.name, "chunk": chunk, "runs": CHUNK, "failed": _chunk(scene, chunk)}
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def rows(kept: Path = KEPT, digest: str = "") -> list[dict[str, float | str]]:
    """What is known of each scene."""
    known = _known(kept, digest or judge_digest())
    found: list[dict[str, float | str]] = []
    for scene in SCENES:
        failed = [count for (name, _), count in known.items() if name == scene.name]
        if not failed:
            continue
        runs = CHUNK * len(failed)
        low, high = wilson(sum(failed), runs)
        found.append(
            {
                "errors": scene.bursts,
                "both arms": scene.drift,
                "hours": scene.hours,
                "runs": runs,
                "rolled back": sum(failed),
                "rolled back, %": 100 * sum(failed) / runs,
                "95% interval": f"{100 * low:.2f}-{100 * high:.2f}%",
            }
        )
    return found


if __name__ == "__main__":
    measure(2000)
