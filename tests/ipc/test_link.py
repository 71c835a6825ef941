"""Questions and answers between two processes: bounded, each for itself, and never without an end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from headgate.core.machine.events import STAMPED_LATER, ReleaseAborted
from headgate.core.machine.names import WORDS, Illegal
from headgate.core.model import Unit
from headgate.core.release.submission import Submission
from headgate.ipc import answering as answering_room
from headgate.ipc.answering import Answering
from headgate.ipc.asking import UNDER_WAY_MAX, Asking, Silent
from headgate.ipc.frames import FRAME_MAX_BYTES, HEAD, Broken, framed, receive_frame
from headgate.ipc.messages import (
    Answer,
    Ask,
    HowAreYou,
    Noted,
    Question,
    Refused,
    Report,
    Tell,
    reply,
    written,
)
from headgate.ipc.steering import Remote, SteeringServer
from headgate.ledger import LedgerBusy, LedgerError
from headgate.ports.controller import Health, Heard, Retired, Stopped, UnknownRelease, Vitals
from tests.controller.house import TWO, wish

ABORT = ReleaseAborted(at=STAMPED_LATER, by="ada", reason="enough")


@contextlib.asynccontextmanager
async def link(
    handle: Callable[[Ask], Awaitable[Answer]],
) -> AsyncGenerator[tuple[Asking, asyncio.Task[None]]]:
    """Both ends, in one loop."""
    ours, theirs = socket.socketpair()
    asking = Asking(*await asyncio.open_unix_connection(sock=ours))
    answering = Answering(*await asyncio.open_unix_connection(sock=theirs), handle)
    task = asyncio.create_task(answering.run())
    try:
        yield asking, task
    finally:
        await asking.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Stub:
    """A controller that does as it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.heard: list[object] = []

    async def submit(self, wish: Submission) -> str:
        return self._heard(wish, "r7")

    async def tell(self, release: str, event: object) -> Heard:
        return Heard(self._heard((release, event), "rolling back"), "the disk is full")

    async def retire(self, unit: Unit, by: str, reason: str) -> Retired:
        self._heard((unit, by, reason), "")
        return Retired(unit, done=True)

    async def health(self) -> Health:
        return Health(("r7",), {"r7": "the disk is full"}, 12, "0.1.0", "http://x")

    async def vitals(self) -> Vitals:
        return Vitals(3)

    def _heard(self, what: object, answer: str) -> str:
        self.heard.append(what)
        if self.error is not None:
            raise self.error
        return answer


def test_a_controller_elsewhere_is_as_one_here() -> None:
    stub = Stub()

    async def story() -> None:
        async with link(SteeringServer(stub).handle) as (asking, _):
            remote = Remote(asking)
            wanted = wish(TWO)
            assert await remote.submit(wanted) == "r7"
            for kind in WORDS.values():
                word = kind(at=STAMPED_LATER, by="ada", reason="why")
                assert await remote.tell("r7", word) == Heard("rolling back", "the disk is full")
                assert stub.heard[-1] == ("r7", word)
            assert stub.heard[0] == wanted
            assert await remote.health() == await stub.health()
            assert await remote.vitals() == await stub.vitals()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (UnknownRelease("no open release"), UnknownRelease),
        (Illegal("it cannot be paused"), Illegal),
        (Stopped("another controller"), Stopped),
        (LedgerBusy("it is locked"), LedgerError),
        (RuntimeError("a fault of ours"), Stopped),
    ],
)
def test_what_it_refuses_is_raised_where_it_was_asked(raised: Exception, expected: type[Exception]) -> None:
    stub = Stub()
    stub.error = raised

    async def story() -> None:
        async with link(SteeringServer(stub).handle) as (asking, _):
            with pytest.raises(expected, match=str(raised)):
                await Remote(asking).tell("r7", ABORT)
            assert (await Remote(asking).health()).pid == 12, "one fault ends no link"

    asyncio.run(story())


def test_who_does_not_answer_in_time_is_silent_and_holds_up_nobody() -> None:
    async def handle(ask: Ask) -> Answer:
        if isinstance(ask, Tell):
            await asyncio.Event().wait()
        return Noted()

    async def story() -> None:
        async with link(handle) as (asking, _):
            with pytest.raises(Silent, match=r"no answer within 0\.05 s"):
                await asking.ask(Tell("r1", ABORT), 0.05)
            assert await asking.ask(Report(), 5.0) == Noted()

    asyncio.run(story())


def test_the_end_of_one_side_is_the_end_of_every_question() -> None:
    async def handle(_: Ask) -> Answer:
        await asyncio.Event().wait()
        return Noted()

    async def story() -> None:
        async with link(handle) as (asking, answers):
            under_way = asyncio.create_task(asking.ask(Report(), 30.0))
            await asyncio.sleep(0)
            answers.cancel()
            with pytest.raises(Silent, match=r"ended|broke"):
                await under_way
            await asyncio.wait_for(asking.closed.wait(), 5)
            with pytest.raises(Silent, match="ended"):
                await asking.ask(Report(), 30.0)

    asyncio.run(story())


def test_questions_are_bounded_on_both_sides() -> None:
    held, most, now = asyncio.Event(), 0, 0

    async def handle(_: Ask) -> Answer:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await held.wait()
        now -= 1
        return Noted()

    async def story() -> None:
        async with link(handle) as (asking, _):
            tasks = [asyncio.create_task(asking.ask(Report(), 30.0)) for _ in range(UNDER_WAY_MAX)]
            while most < answering_room.UNDER_WAY_MAX:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.01)
            with pytest.raises(Silent, match="wait for an answer already"):
                await asking.ask(Report(), 30.0)
            held.set()
            assert set(await asyncio.gather(*tasks)) == {Noted()}

    asyncio.run(story())
    assert most == answering_room.UNDER_WAY_MAX


@pytest.mark.parametrize(
    "sent",
    [
        HEAD.pack(FRAME_MAX_BYTES + 1),
        HEAD.pack(10) + b"abc",
        framed(b"not JSON"),
        framed(b'{"number":1,"ask":{"type":"Obey"}}'),
        framed(b'{"number":1,"ask":{"type":"HowAreYou","more":1}}'),
        framed(b"[" * 100_000),
    ],
)
def test_what_is_no_question_ends_the_connection(sent: bytes) -> None:
    async def handle(_: Ask) -> Answer:
        return Noted()

    async def story() -> None:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        answers = asyncio.create_task(
            Answering(*await asyncio.open_unix_connection(sock=theirs), handle).run()
        )
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(5):
            answered = await reader.read()
            await answers
        if answered:
            assert isinstance(reply(answered[HEAD.size :]).answer, Refused)
        writer.close()

    asyncio.run(story())


def test_a_message_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(Broken, match="too large"):
        framed(b"x" * (FRAME_MAX_BYTES + 1))


def test_a_frame_without_a_loop() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(framed(written(Question(1, HowAreYou()))))
        assert b"HowAreYou" in receive_frame(ours)
        theirs.sendall(b"\0\0")
        theirs.close()
        with pytest.raises(Broken, match="ended"):
            receive_frame(ours)
