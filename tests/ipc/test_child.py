"""A process beside the controller: started again when it dies or hangs, ended with it, and its trouble told."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from headgate.ipc import child as room
from headgate.ipc.answering import Answering
from headgate.ipc.child import Calling, Child
from headgate.ipc.messages import Answer, Ask, Noted, Report

CALLING = Calling("helper", "tests.ipc.beside")
Story = Callable[["Kept"], Awaitable[None]]


class Kept:
    """One child, and what was heard of it."""

    def __init__(self, home: Path) -> None:
        self.child = Child(CALLING, home, self._take)
        self.pids: list[int] = []

    async def until(self, fact: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not fact():  # noqa: ASYNC110 - a process tells nobody
                await asyncio.sleep(0.01)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def answer(ask: Ask) -> Answer:
            assert isinstance(ask, Report)
            self.pids.append(int(ask.url))
            self.child.heard(ask.trouble)
            return Noted()

        await Answering(reader, writer, answer).run()


def play(story: Story, home: Path, monkeypatch: pytest.MonkeyPatch, mood: str = "well") -> Kept:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("MOOD", mood)

    @contextlib.asynccontextmanager
    async def running() -> AsyncGenerator[Kept]:
        kept = Kept(home)
        task = asyncio.create_task(kept.child.run())
        try:
            yield kept
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def inside() -> Kept:
        async with running() as kept:
            await story(kept)
        return kept

    kept = asyncio.run(inside())
    assert not any(map(psutil.pid_exists, kept.pids)), "it ends with the controller"
    return kept


def test_what_it_says_is_known_and_its_death_is_told_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(kept: Kept) -> None:
        await kept.until(lambda: kept.pids)
        assert kept.child.trouble() == {"dashboard": "shut"}
        os.kill(kept.pids[0], 9)
        await kept.until(lambda: "signal 9" in kept.child.trouble().get("helper", ""))
        await kept.until(lambda: kept.pids[-1] != kept.pids[0])
        assert kept.child.trouble() == {"dashboard": "shut"}

    play(story, tmp_path, monkeypatch)


def test_the_last_words_of_one_that_cannot_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(kept: Kept) -> None:
        await kept.until(lambda: "no mood for this" in kept.child.trouble().get("helper", ""))

    play(story, tmp_path, monkeypatch, "dies")


def test_one_that_hangs_is_told_of_and_started_anew_and_does_not_outlive_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SILENT_S", 0.1)
    monkeypatch.setattr(room, "HUNG_S", 1.0)
    monkeypatch.setattr(room, "LOOK_S", 0.1)
    monkeypatch.setattr(room, "END_S", 0.1)

    async def story(kept: Kept) -> None:
        await kept.until(lambda: "not been heard of" in kept.child.trouble().get("helper", ""))
        await kept.until(lambda: len(set(kept.pids)) > 1)

    play(story, tmp_path, monkeypatch, "hangs")


def test_one_that_hangs_ends_when_its_controller_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own thread: nobody is left to kill it."""
    monkeypatch.setattr(room, "END_S", 30.0)
    monkeypatch.setenv("GRACE_S", "0.2")

    async def story(kept: Kept) -> None:
        await kept.until(lambda: kept.pids)

    play(story, tmp_path, monkeypatch, "hangs")
