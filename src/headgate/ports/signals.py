"""What is measured, per version."""

from typing import Protocol

from headgate.core.model import Arm, Version


class Signals(Protocol):
    """A source of counters. Sources are asked side by side and their readings are merged by the controller."""

    async def read(self, version: Version) -> Arm:
        """Counters since the beginning (never rates): whatever of requests, latency, instances, means it knows.

        Raises Temporary when the source cannot be read now, Permanent when it never will: unknown is not zero.
        """
        ...
