"""The command line of a benchmark that is made of parts: runs those asked for, prints their figures, writes JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.table import lines_of

OUT = Path(__file__).parent / "out"


def main(name: str, parts: Mapping[str, Callable[..., dict[str, Any]]], about: Mapping[str, Any]) -> None:
    """`about` is written beside the figures. Figures of parts that are not run now stay as they were last."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--quick", action="store_true", help="fewer runs of everything")
    parser.add_argument("--only", default=",".join(parts), help=f"some of {', '.join(parts)}")
    parser.add_argument(
        "--json", type=Path, default=OUT / f"{name}.json", help="where the figures are written"
    )
    options = parser.parse_args()
    wanted = options.only.split(",")
    unknown = [one for one in wanted if one not in parts]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(parts)}")
    figures: dict[str, Any] = _before(options.json) if wanted != list(parts) else {}
    for one in wanted:
        figures[one] = {"quick": options.quick, **about, **parts[one](quick=options.quick)}
        print("\n".join([one, *lines_of(figures[one])]), end="\n\n", flush=True)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _before(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
