"""What is told says where the release can be looked at when it is told: the door may have moved since then."""

import asyncio
from typing import Any

from headgate.core.home.facts import FreezeLifted
from headgate.ledger import MemoryLedger
from headgate.ledger.verify import Head, verify
from headgate.outbox.telling import Linking, head_of
from headgate.ports.marker import Mark
from headgate.ports.notifier import Message
from headgate.testing.ledger import write


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


def test_what_is_told_has_the_ledgers_head_of_the_time_it_is_sent() -> None:
    heard: Any = Heard()
    ledger = MemoryLedger()
    linking = Linking(heard, lambda _: "", lambda: head_of(ledger))
    message = Message("k1", "r1", "rolled_back", "critical", "r1 was rolled back", facts=(("author", "ada"),))

    async def play() -> None:
        await linking.send(message, "")
        last = await write(ledger, "r1", 1)
        await linking.send(message, "")
        note = await ledger.note(0, FreezeLifted(at=1.0, by="ada", freeze="f1"))
        await linking.send(message, "")
        heads = [dict(one.facts).get("ledger") for one in heard.messages]
        assert heads == [None, f"1:{last.hash}", f"2:{note.hash}"]
        assert verify(ledger, anchors=[Head(2, note.hash)]).broken is None

    asyncio.run(play())


def test_every_mark_says_it_too() -> None:
    mark = Mark("started", "r1", "shop", "production", (), "ada", "", "baking", None, 0.0, 0.0, head="7:beef")
    assert mark.text.splitlines()[-1] == "ledger 7:beef"
