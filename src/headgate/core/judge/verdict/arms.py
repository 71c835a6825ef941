"""What an interval has of each arm, and which of them are compared."""

from typing import NamedTuple

from headgate.core.model.sample import Arm


class Arms(NamedTuple):
    """`fresh` is the part of stable that is as new as the canary, which is then compared with it alone.

    Stable as a whole is still what its ways are learnt from, and what may be in trouble of its own.
    """

    stable: Arm
    canary: Arm
    fresh: Arm | None = None

    @property
    def beside(self) -> Arm:
        """What the canary is compared with."""
        return self.stable if self.fresh is None else self.fresh
