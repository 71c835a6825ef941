"""The twin in memory keeps the promises of every channel."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from headgate.ports.errors import Permanent, Temporary
from headgate.testing.fakes.notifier import MemoryNotifier
from headgate.testing.notifiers import NotifierContract, message


class Memory:
    secrets = ("hunter2",)

    def __init__(self) -> None:
        self.notifier = MemoryNotifier()

    def heard(self) -> list[str]:
        return ["\n".join((one.title, *one.lines)) for one, _ in self.notifier.said]

    def answer(self, status: int) -> None:
        passing = status in (0, 429) or status >= 500
        self.notifier.always = (Temporary if passing else Permanent)(f"it answered {status}")


class TestMemory(NotifierContract):
    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[Memory]:
        yield Memory()


def test_the_same_key_is_said_once() -> None:
    notifier = MemoryNotifier()
    first = asyncio.run(notifier.send(message(), ""))
    assert asyncio.run(notifier.send(message(), "")) == first
    assert len(notifier.said) == 1
