"""Print a table, write the figures as JSON: `python -m benchmarks.ledger [--quick] [--json FILE] [--folder FOLDER]`."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.ledger.measurements import measure

GOALS = {"appends_by_64_per_s": "at least 2000", "status_s": "under 1"}
OUT = Path(__file__).parent.parent / "out" / "ledger.json"


def main() -> dict[str, float]:
    parser = argparse.ArgumentParser(prog="benchmarks.ledger", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--json", type=Path, default=OUT, help="where the figures are written")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headgate-bench-", dir=arguments.folder) as folder:
        figures = measure(Path(folder), quick=arguments.quick)
    for name, value in figures.items():
        print(f"{name:<28}{value:>14,.{0 if value >= 100 else 3}f}  {GOALS.get(name, '')}".rstrip())
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return figures


if __name__ == "__main__":
    main()
