"""Signals: what is measured of each version."""

from dataclasses import dataclass
from typing import Protocol

from headgate.core.model import Arm, Version


class Signals(Protocol):
    """A source of counters. Sources are asked side by side and their readings are merged by the controller."""

    async def read(self, version: Version) -> Arm:
        """Counters since the beginning (never rates): whatever of requests, latency, instances, means it knows.

        Raises Temporary when the source cannot be read now, Permanent when it never will: unknown is not zero.
        """
        ...


@dataclass(frozen=True)
class Look:
    """What one question to a source was answered just now. `problem` says what is wrong with it; empty: nothing."""

    question: str
    answer: str
    problem: str = ""


class Inspectable(Protocol):
    """A source that can show its questions one by one, for `headgate signals test`."""

    async def inspect(self, version: Version) -> tuple[Look, ...]:
        """Each configured question with its answer now. Never raises PortError: a trouble is a `problem`."""
        ...
