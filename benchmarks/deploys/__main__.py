"""`python -m benchmarks.deploys [--quick] [--only lossless,faults] [--json FILE]`: deploys, real in everything."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from benchmarks.deploys import crowd, demo, faults, lossless
from benchmarks.parts import main

PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "lossless": lossless.measure,
    "faults": faults.measure,
    "crowd": crowd.measure,
    "demo": demo.measure,
}


if __name__ == "__main__":
    main("deploys", PARTS, about={"load_average": os.getloadavg()})
