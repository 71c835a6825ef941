"""`python -m benchmarks.machine [--quick] [--json FILE]`: a table on the terminal, the same figures as JSON."""

import argparse
import json
import time
from pathlib import Path

from benchmarks.machine.releases import FAIL, PASS, steps_per_s
from headgate.lab.simulation import simulate_many

Rows = list[dict[str, float | str]]


def run(*, quick: bool = False) -> dict[str, Rows]:
    """All figures; `quick` takes a few seconds."""
    least_s, seeds = (0.5, 50) if quick else (3.0, 1000)
    kinds = (
        ("a canary in four steps, promoted", 2.0, PASS),
        ("the same, failing at once", 2.0, FAIL),
        ("a bake of an hour a step", 3600.0, PASS),
    )
    machine: Rows = []
    for name, bake_s, verdict in kinds:
        steps, alone, whole = steps_per_s(bake_s, verdict, least_s)
        row = {"steps": steps, "steps/s": round(alone), "steps/s with the making of events": round(whole)}
        machine.append({"release": name, **row})
    return {"the pure machine on one core": machine, "the simulation on one core": [simulation(seeds)]}


def simulation(seeds: int) -> dict[str, float | str]:
    """How many seeds a second."""
    began = time.process_time()
    tally = simulate_many(range(seeds))
    took_s = time.process_time() - began
    return {
        "seeds": tally.seeds,
        "seeds/s": round(tally.seeds / took_s, 1),
        "events/s": round(tally.events / took_s),
        "virtual s per s": round(tally.virtual_s / took_s),
        "violations": len(tally.failed),
    }


def table(title: str, rows: Rows) -> str:
    """The rows under their title, in columns."""
    lines = [list(rows[0]), *[[f"{value}" for value in row.values()] for row in rows]]
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([title, *[f"  {text.rstrip()}" for text in texts]])


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.machine", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/out/machine.json"))
    options = parser.parse_args()
    figures = run(quick=options.quick)
    for title, rows in figures.items():
        print(table(title, rows), end="\n\n")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
