"""A channel in memory: what was said is what can be read. For tests and the simulation."""

import asyncio
from collections.abc import Sequence

from headgate.ports.notifier import Message

Behaviour = Exception | str
"""What befalls a call: an exception is raised, "hang" never returns, a number of seconds as text takes as long."""


class MemoryNotifier:
    """Says each key once. `said` is what was said, in order, each with its thread; `does` befalls the next calls.

    `calls` counts every call; `always` befalls each one that `does` says nothing of.
    """

    def __init__(self, does: Sequence[Behaviour] = (), always: Behaviour | None = None) -> None:
        self.does: list[Behaviour] = list(does)
        self.always = always
        self.said: list[tuple[Message, str]] = []
        self.calls = 0

    @property
    def titles(self) -> list[str]:
        """The titles of what was said."""
        return [message.title for message, _ in self.said]

    async def send(self, message: Message, thread: str) -> str:
        """See Notifier. The thread of a release is the key of the first message said in it."""
        self.calls += 1
        behaviour = self.does.pop(0) if self.does else self.always
        if isinstance(behaviour, Exception):
            raise behaviour
        if behaviour == "hang":
            await asyncio.get_running_loop().create_future()
        elif behaviour is not None:
            await asyncio.sleep(float(behaviour))
        known = next((where for said, where in self.said if said.key == message.key), None)
        if known is not None:
            return known
        thread = thread or message.key
        self.said.append((message, thread))
        return thread
