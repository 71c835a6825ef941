"""`python -m benchmarks.judge [--quick] [--only PARTS] [--docs]`: tables on the terminal, the same figures as JSON.

`--docs` also writes them, with plots, into docs/judge.md. Figures of parts that are not run now stay as they were last.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.judge import alike, claims, contest, deploys, planner, report

Rows = list[dict[str, float | str]]
Measure = Callable[[np.random.Generator, bool], Rows]
SEED = 20240229
CONTEST = "among the rules people use, alpha = 1%, ten hours"
PARTS: dict[str, dict[str, Measure]] = {
    "deploys": {
        "good deploys rolled back, %": lambda rng, quick: deploys.false_rollbacks(
            rng, 500 if quick else 10_000
        ),
        "trouble on both arms, good deploys rolled back, %": lambda rng, quick: deploys.shared_incidents(
            rng, 100 if quick else 2000
        ),
        "detection at 200 requests/s and 10%": lambda rng, quick: deploys.detection(
            rng, 100 if quick else 1000
        ),
        "a healthy step at 200 requests/s and 10% passes after": lambda rng, quick: deploys.passing(
            rng, 20 if quick else 200
        ),
    },
    "contest": {CONTEST: lambda rng, quick: contest.contest(rng, 20 if quick else 300)},
    "alike": {"a day with a version like stable": lambda _, quick: alike.run(25 if quick else 2000)},
    "days": {
        "such days by the rules people use, % rolled back": lambda _, quick: alike.rivals(
            25 if quick else 200
        )
    },
    "claims": {
        "a fault that begins late": lambda rng, quick: claims.late_faults(rng, 20 if quick else 400),
        "versions just bad enough, passed": lambda rng, quick: claims.false_promotions(
            rng, 50 if quick else 1000
        ),
        "low traffic, and an exact test at the deadline": lambda rng, quick: claims.low_traffic(
            rng, 200 if quick else 4000
        ),
    },
    "planner": {"foretold by the planner": lambda rng, quick: planner.accuracy(rng, 40 if quick else 400)},
    "cost": {"cost": lambda rng, _: deploys.speed(rng)},
}
DERIVED: dict[str, Callable[[Rows], Rows]] = {
    "against the quickest rule that keeps its false rollbacks under 5%": contest.ahead,
    "against the bounds that nobody beats": claims.bounds,
}
"""Tables that are made from the contest's."""
STAMPS = "measured"
"""Which judge each table was measured with, and when."""


def run(only: Sequence[str] = (), *, quick: bool = False) -> dict[str, Rows]:
    """The figures of the parts asked for (all, where none is). Each part has randomness of its own."""
    figures: dict[str, Rows] = {}
    for number, (part, tables) in enumerate(PARTS.items()):
        if only and part not in only:
            continue
        rng = np.random.default_rng((SEED, number))
        for title, measure in tables.items():
            figures[title] = measure(rng, quick)
            derived = DERIVED if title == CONTEST else {}
            figures |= {name: derive(figures[title]) for name, derive in derived.items()}
            for name in (title, *derived):
                print(table(name, figures[name]), end="\n\n", flush=True)
    return figures


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
    parser.add_argument("--only", default="", help=f"some of {', '.join(PARTS)}, with commas between")
    parser.add_argument("--table", action="store_true", help="run nothing: take the figures of the last runs")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/out/judge.json"))
    parser.add_argument("--docs", action="store_true", help="write the figures into docs/judge.md as well")
    options = parser.parse_args()
    only = options.only.split(",") if options.only else []
    if strange := [part for part in only if part not in PARTS]:
        parser.error(f"there is no part {', '.join(strange)}; there are {', '.join(PARTS)}")
    keep = (only or options.table) and options.json.exists()
    known = json.loads(options.json.read_text(encoding="utf-8")) if keep else {}
    measured = {} if options.table else run(only, quick=options.quick)
    stamp = (
        f"{datetime.now(tz=UTC):%Y-%m-%d}, judge {alike.judge_digest()}{', quick' if options.quick else ''}"
    )
    figures = known | measured
    stamps = known.get(STAMPS, {}) | dict.fromkeys(measured, stamp)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures | {STAMPS: stamps}, indent=1), encoding="utf-8")
    if options.docs:
        report.write({title: rows for title, rows in figures.items() if title != STAMPS}, stamps)


if __name__ == "__main__":
    main()
