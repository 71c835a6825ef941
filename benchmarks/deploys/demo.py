"""`headgate demo`, as `make demo` runs it: how long each version took to be found out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from headgate.cli.demo.story import FIRST, STORY

ENDS = {chapter.version: chapter.ends for chapter in (FIRST, *STORY)}


def measure(*, quick: bool) -> dict[str, Any]:
    """Each version's outcome and times; quickly: one bad version only."""
    only = ("--only", "v5-no-database") if quick else ()
    began = time.monotonic()
    command = [sys.executable, "-m", "headgate", "demo", "--json", *only]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    took_s = time.monotonic() - began
    if not done.stdout.strip():
        raise RuntimeError(f"headgate demo ended with {done.returncode}: {done.stderr[-2000:]}")
    told = json.loads(done.stdout)
    rows = [_row(one["version"], one["report"]) for one in told["versions"]]
    return {
        "whole_s": round(took_s, 1),
        "as_expected": sum(ENDS[row["version"]] == row["outcome"] for row in rows),
        "versions": rows,
        "customers": told["customers"],
    }


def _row(version: str, report: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": version,
        "outcome": report["outcome"],
        "bad_requests": report["bad_requests_served"],
        "detected_s": _rounded(report["detected_after_s"]),
        "restored_ms": _rounded(report["restored_after_s"], 1000),
        "took_s": _rounded(report["took_s"]),
        "reason": report["reason"],
    }


def _rounded(seconds: float | None, factor: float = 1.0) -> float | None:
    return None if seconds is None else round(seconds * factor, 1)
