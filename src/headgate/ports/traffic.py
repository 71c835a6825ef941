"""A data plane: who reaches which version."""

from typing import Protocol

from headgate.core.machine.events import EffectId
from headgate.core.model import Routing, Unit


class Traffic(Protocol):
    """The data plane. It lives on when its caller dies, and keeps the last routing it confirmed."""

    async def apply(self, effect: EffectId, routing: Routing) -> None:
        """Route like this; returns once the data plane itself confirms it. No client request fails because of it.

        A call whose effect belongs to the same release and an earlier sequence than one already applied to this unit
        is stale and must change nothing (Permanent). Raises Temporary when the proxy does not confirm in time.
        """
        ...

    async def observed(self, unit: Unit) -> Routing | None:
        """What the data plane says it does for `unit` now; None when it serves nothing for it."""
        ...

    async def remembered(self) -> tuple[EffectId, ...]:
        """The newest effect of each release that was applied to each unit, as the data plane's own records have it.

        Raises Temporary when they cannot be read.
        """
        ...

    async def withdraw(self, unit: Unit) -> None:
        """Serve nothing for `unit` any more, and let go of its ports; returns once the data plane itself confirms it.

        What is not served is withdrawn already. Raises Temporary when the proxy does not confirm in time.
        """
        ...

    async def idle(self, unit: Unit) -> bool:
        """True when no request is under way to any version of `unit` that receives no new traffic."""
        ...
