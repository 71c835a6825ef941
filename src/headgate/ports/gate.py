"""A gate: the question whether production is ready for a release."""

from typing import Protocol

from headgate.core.machine.plan import Plan
from headgate.core.model import Finding


class Gate(Protocol):
    """A question asked before anything changes."""

    async def ask(self, plan: Plan) -> tuple[Finding, ...]:
        """Answer with findings; what cannot be found out is `unknown`. Changes nothing in the world."""
        ...
