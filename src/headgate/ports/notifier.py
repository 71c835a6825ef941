"""A notifier: a channel for messages to people."""

from dataclasses import dataclass
from typing import Protocol

from headgate.core.model.audience import Moment, Severity


@dataclass(frozen=True)
class Message:
    """What is said. `title` is one line, `lines` the rest in plain text, `facts` pairs of label and value.

    `key` is the message's identity: a notifier that is given the same key twice says it once where the service allows.
    Among the facts is the ledger's head (see `ports.marker.Mark`).
    """

    key: str
    release: str
    moment: Moment
    severity: Severity
    title: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    at: float = 0.0
    link: str = ""


class Notifier(Protocol):
    """One channel."""

    async def send(self, message: Message, thread: str) -> str:
        """Say it. `thread` is what this returned for the release's message before, empty for its first.

        Returns the thread to go on in (empty where the service has none). Raises Temporary or Permanent.
        """
        ...
