"""What is told says where the release can be looked at when it is told: the door may have moved since then."""

import asyncio
from typing import Any

from headgate.outbox.telling import Linking
from headgate.ports.notifier import Message


class Heard:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message, thread: str) -> str:
        self.messages.append(message)
        return thread or "t1"


def test_a_message_has_the_link_of_its_release_at_the_time_it_is_sent() -> None:
    heard: Any = Heard()
    door = {"r1": "https://old/releases/r1"}
    linking = Linking(heard, lambda release: door.get(release, ""))
    message = Message("k1", "r1", "rolled_back", "critical", "r1 was rolled back")

    async def play() -> list[str]:
        first = await linking.send(message, "")
        door["r1"] = "https://new/releases/r1"
        return [first, await linking.send(message, first)]

    assert asyncio.run(play()) == ["t1", "t1"]
    assert [one.link for one in heard.messages] == ["https://old/releases/r1", "https://new/releases/r1"]
    assert message.link == ""
