"""`python -m benchmarks.judge [--quick] [--json FILE] [--docs]`: tables on the terminal, the same figures as JSON.

`--docs` also writes them, with plots, into docs/judge.md.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.judge import claims, contest, deploys, report

Rows = list[dict[str, float | str]]
SEED = 20240229


def run(*, quick: bool = False) -> dict[str, Rows]:
    """All figures; `quick` takes a minute or so and is coarse."""
    rng = np.random.default_rng(SEED)
    good, few = (500, 100) if quick else (10_000, 1000)
    return {
        "good deploys rolled back, %": deploys.false_rollbacks(rng, good),
        "trouble on both arms, good deploys rolled back, %": deploys.shared_incidents(rng, good // 5),
        "detection at 200 requests/s and 10%": deploys.detection(rng, few),
        "a healthy step at 200 requests/s and 10% passes after": deploys.passing(rng, few // 5),
        "among the rules people use, alpha = 1%, bakes of 2 h": contest.contest(rng, 20 if quick else 200),
        "long bakes of a version like stable": contest.long_bakes(
            rng, *((10, 3.0) if quick else (300, 24.0))
        ),
        "an exact test at the deadline": contest.deadline_power(rng, 200 if quick else 2000),
        "cost": deploys.speed(rng),
    }


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}" if value == round(value) else f"{value:.2f}"


def table(title: str, rows: Sequence[dict[str, float | str]]) -> str:
    """The rows under their title, in columns."""
    lines = [list(rows[0]), *[[_cell(value) for value in row.values()] for row in rows]]
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([title, *[f"  {text.rstrip()}" for text in texts]])


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/out/judge.json"))
    parser.add_argument("--docs", action="store_true")
    options = parser.parse_args()
    figures = run(quick=options.quick)
    for title, rows in figures.items():
        print(table(title, rows), end="\n\n")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if options.docs:
        report.write(figures)


if __name__ == "__main__":
    main()
