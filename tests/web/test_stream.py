"""The live stream: every entry once, in order, to each listener, wherever it begins."""

import asyncio
from collections.abc import Awaitable, Callable

from headgate.ledger import MemoryLedger
from headgate.testing.ledger import write, write_all
from headgate.web.http import stream as module
from headgate.web.http.stream import EventResponse, Frame, Stream

POLL_S = 0.001


def scenario(play: Callable[[Stream, MemoryLedger], Awaitable[None]]) -> None:
    async def run() -> None:
        ledger = MemoryLedger()
        stream = Stream(ledger, POLL_S)
        async with stream.running(), asyncio.timeout(20):
            await play(stream, ledger)

    asyncio.run(run())


async def take(stream: Stream, after: int, count: int, release: str | None = None) -> list[int]:
    taken: list[int] = []

    def wanted(frame: Frame) -> bool:
        return release is None or frame.release == release

    async for frame in stream.frames(after, wanted):
        if frame is not None:
            taken.append(frame.sequence)
        if len(taken) == count:
            break
    return taken


def test_every_listener_gets_every_entry_once_and_in_order() -> None:
    async def play(stream: Stream, ledger: MemoryLedger) -> None:
        await write_all(ledger, "r1", 5)
        early = [asyncio.create_task(take(stream, after, 60 - after)) for after in (0, 3, 5)]
        for number in range(6, 61):
            await write(ledger, "r1", number)
            await asyncio.sleep(0)
        late = await take(stream, 10, 50)
        assert late == list(range(11, 61))
        for after, task in zip((0, 3, 5), early, strict=True):
            assert await task == list(range(after + 1, 61))

    scenario(play)


def test_a_listener_far_behind_reads_from_the_ledger_and_catches_up() -> None:
    async def play(stream: Stream, ledger: MemoryLedger) -> None:
        count = module.FRAMES_MAX + 2 * module.PAGE
        listening = asyncio.create_task(take(stream, 0, count))
        await write_all(ledger, "r1", count)
        assert await listening == list(range(1, count + 1))
        assert await take(stream, 7, count - 7) == list(range(8, count + 1))
        assert len(stream._frames) <= module.FRAMES_MAX

    scenario(play)


def test_a_listener_to_one_release_hears_of_no_other() -> None:
    async def play(stream: Stream, ledger: MemoryLedger) -> None:
        await write_all(ledger, "r1", 3)
        await write_all(ledger, "r2", 3)
        assert await take(stream, 0, 3, "r2") == [4, 5, 6]

    scenario(play)


def test_a_frame_is_an_event_with_the_sequence_as_its_id() -> None:
    async def play(stream: Stream, ledger: MemoryLedger) -> None:
        await write_all(ledger, "r1", 1)
        frame = await anext(aiter(stream.frames(0, lambda _: True)))
        assert frame is not None
        assert frame.environment == "production"
        lines = frame.data.decode().split("\n")
        assert lines[:2] == ["id: 1", "event: entry"]
        assert lines[2].startswith('data: {"sequence":1,')
        assert lines[3:] == ["", ""]  # no newline inside the data can end the event early

    scenario(play)


def test_nobody_reads_the_ledger_when_nobody_listens() -> None:
    async def play(stream: Stream, ledger: MemoryLedger) -> None:
        await take_one(stream, ledger)
        assert stream.listeners == 0
        assert not stream._wanted.is_set()

    async def take_one(stream: Stream, ledger: MemoryLedger) -> None:
        await write_all(ledger, "r1", 1)
        frames = stream.frames(0, lambda _: True)
        await anext(frames)
        await frames.aclose()

    scenario(play)


def test_a_stalled_listener_is_cut_off_and_delays_nobody() -> None:
    async def play(stream: Stream, ledger: MemoryLedger) -> None:
        await write_all(ledger, "r1", 3)

        async def receive() -> dict[str, str]:
            await asyncio.Event().wait()
            return {}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        frames = stream.frames(0, lambda _: True)
        stalled = asyncio.create_task(EventResponse(frames, stalled_s=0.05)({}, receive, send))  # type: ignore[arg-type]
        assert await take(stream, 0, 3) == [1, 2, 3]
        await stalled
        assert stream.listeners == 0

    scenario(play)


def test_a_listener_that_goes_away_is_forgotten() -> None:
    async def play(stream: Stream, ledger: MemoryLedger) -> None:
        sent: list[bytes] = []
        greeted = asyncio.Event()

        async def receive() -> dict[str, str]:
            await greeted.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.body":
                sent.append(bytes(message["body"]))  # type: ignore[call-overload]
                greeted.set()

        await EventResponse(stream.frames(0, lambda _: True))({}, receive, send)  # type: ignore[arg-type]
        assert sent[0].startswith(b"retry: ")
        assert stream.listeners == 0

    scenario(play)
