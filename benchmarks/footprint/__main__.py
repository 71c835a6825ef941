"""`python -m benchmarks.footprint [--quick] [--json FILE]`: memory with ten services, idle and during a release."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.footprint import command, memory
from benchmarks.parts import main
from benchmarks.town import Brooks, folder, town


def measure(*, quick: bool) -> dict[str, Any]:
    """Both, at one home: `status` has ten services to show."""
    with folder() as home, town(home) as made:
        brooks = Brooks(home, memory.SERVICES, instances=1)
        return {
            "memory": memory.measure(made, brooks, quick=quick),
            "status": command.measure(home, quick=quick),
        }


if __name__ == "__main__":
    main("footprint", {"host": measure}, about={"load_average": os.getloadavg()})
