"""The baseline gate: what runs now must work, else a release could be neither judged nor undone."""

import asyncio
from collections.abc import Callable

from headgate.core.machine.plan import Plan
from headgate.core.model import Finding, Version, in_words, worst
from headgate.ports import Permanent, PortError, Target
from headgate.ports.wires import Wires

CHECK = "baseline"


class BaselineGate:
    """Asks the readiness of every version that is to be replaced; `target` gives what runs a platform's versions."""

    def __init__(self, target: Callable[[str], Target]) -> None:
        self._target = target

    async def ask(self, plan: Plan) -> tuple[Finding, ...]:
        """One finding per leg with a baseline. An unhealthy one warns: the release may be what mends it."""
        baselines = [
            (leg.platform, leg.change.baseline) for leg in plan.legs if leg.change.baseline is not None
        ]
        return tuple(await asyncio.gather(*(self._look(*one) for one in baselines)))

    async def _look(self, platform: str, version: Version) -> Finding:
        try:
            found = await self._target(platform).check(version)
        except PortError as error:
            return Finding(CHECK, "warn", f"{version} could not be asked: {error}")
        if worst(found) == "pass":
            return Finding(CHECK, "pass", f"{version} is ready")
        return Finding(CHECK, "warn", f"{version} is not well: {in_words(found)}")


def create(wires: Wires) -> BaselineGate:
    """The plugin's factory."""
    opened = wires.platform
    if opened is None:
        raise Permanent("the baseline gate needs platforms")
    return BaselineGate(lambda name: opened(name).target)
