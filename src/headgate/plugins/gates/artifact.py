"""The artifact gate: every byte to be deployed is hashed again, and must be what was built."""

import asyncio

from headgate.core.machine.plan import Plan
from headgate.core.model import Finding, Version
from headgate.kit.availability import lacking
from headgate.ports import Artifacts
from headgate.ports.wires import Wires

CHECK = "artifact"


class ArtifactGate:
    """Verifies each candidate's artifact and configuration in the store."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    async def ask(self, plan: Plan) -> tuple[Finding, ...]:
        """One finding per leg: pass, or fail with the first difference."""
        answers = (asyncio.to_thread(self._verify, leg.change.candidate) for leg in plan.legs)
        return tuple(await asyncio.gather(*answers))

    def _verify(self, version: Version) -> Finding:
        trouble = lacking(self._artifacts, version)
        if trouble:
            return Finding(CHECK, "fail", trouble, hint="build it again: `headgate build`")
        return Finding(CHECK, "pass", f"{version} is what was built")


def create(wires: Wires) -> ArtifactGate:
    """The plugin's factory."""
    return ArtifactGate(wires.artifacts)
