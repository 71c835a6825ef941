"""`python -m benchmarks [--quick] [--only deploys,ledger] [--table]`: every benchmark, and one table of the goals.

Each benchmark is a package here that runs as `python -m benchmarks.NAME [--quick]`, in a process of its own, and writes
`out/NAME.json` or ends with a line of JSON. Figures of benchmarks that are not run now are those of their last run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.goals import GOALS, Goal
from benchmarks.table import table, text

HERE = Path(__file__).parent
OUT = HERE / "out"


def packages() -> list[str]:
    """The benchmarks there are."""
    return sorted(found.parent.name for found in HERE.glob("*/__main__.py"))


def run(name: str, *, quick: bool) -> str:
    """Run one benchmark; returns what is wrong with it, or nothing."""
    file = OUT / f"{name}.json"
    began = time.time()
    print(f"--- {name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if quick else [])]
    last = ""
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line
            print(f"  {line}", end="", flush=True)
    if process.returncode != 0:
        return f"ended with {process.returncode}"
    if not file.exists() or file.stat().st_mtime < began:
        try:
            figures = json.loads(last)
        except ValueError:
            return "wrote no figures"
        file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return ""


def figures_of(names: list[str]) -> dict[str, Any]:
    """What each wrote last."""
    files = {name: OUT / f"{name}.json" for name in names}
    return {name: json.loads(file.read_text("utf-8")) for name, file in files.items() if file.exists()}


def line(goal: Goal, figures: dict[str, Any], wrong: dict[str, str]) -> dict[str, str]:
    """One goal's line in the table. What could not be measured is not reached."""
    value: float | None = None
    why = wrong.get(goal.benchmark, "")
    if not why:
        try:
            value = goal.pick(figures[goal.benchmark])
        except (LookupError, TypeError, ValueError) as error:
            why = f"not measured ({type(error).__name__}: {error})"
    measured = why if value is None else f"{text(value)} {goal.unit}".rstrip()
    reached = "?" if value is None else "yes" if goal.reached(value) else "NO"
    return {
        "figure": goal.what,
        "goal": goal.wanted,
        "measured": measured,
        "reached": reached,
        "by": goal.benchmark,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer runs of everything: coarse figures in some minutes"
    )
    parser.add_argument("--only", default="", help="some benchmarks, by name, with commas between")
    parser.add_argument("--table", action="store_true", help="run nothing: show the figures of the last runs")
    parser.add_argument("--json", type=Path, default=OUT / "bench.json", help="where the table is written")
    options = parser.parse_args()
    known = packages()
    wanted = [] if options.table else options.only.split(",") if options.only else known
    OUT.mkdir(exist_ok=True)
    missing = {*wanted, *(goal.benchmark for goal in GOALS)} - {*known}
    wrong = dict.fromkeys(missing, "there is no such benchmark")
    for name in wanted:
        if name in known and (problem := run(name, quick=options.quick)):
            wrong[name] = problem
    figures = figures_of(known)
    lines = [line(goal, figures, wrong) for goal in GOALS if not options.only or goal.benchmark in wanted]
    print("\n".join(["", *table(lines)]))
    for name, problem in sorted(wrong.items()):
        print(f"{name}: {problem}")
    about = {"python": platform.python_version(), "cores": os.cpu_count(), "load_average": os.getloadavg()}
    whole = {
        "at": time.time(),
        "quick": options.quick,
        **about,
        "table": lines,
        "wrong": wrong,
        "figures": figures,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
