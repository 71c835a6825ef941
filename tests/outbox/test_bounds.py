"""A long release, a full lane, planted secrets: what the outbox keeps is bounded, and holds no secret."""

import asyncio
import gc
from pathlib import Path

import pytest

from headgate.core.machine import events
from headgate.core.machine.events import EffectId
from headgate.core.model import Audience, Channel, Stage, Verdict
from headgate.core.release.planning import Policies
from headgate.ledger import MemoryLedger
from headgate.ledger.store import Entry
from headgate.outbox.outbox import Outbox
from headgate.outbox.store import FileStore, MemoryStore
from headgate.ports.errors import Temporary
from headgate.testing.fakes.notifier import MemoryNotifier
from tests.cli import stories
from tests.cli.stories import WEB, intent, version
from tests.controller.house import TWO, play
from tests.outbox.post import OPS, opened, told, until

TICKS = 100_000
SETTLED = 20_000
OBJECTS_MAX = 2000
WAIT = Verdict("watch", "not enough yet")


class Ticking(MemoryLedger):
    """A ledger whose one release bakes on and on: entries are made when they are read, and kept nowhere."""

    def __init__(self, story: stories.Story) -> None:
        super().__init__()
        self.ticks = 0
        self.served = 0
        self._at = story.state.at
        self._fixed = [
            Entry(n, "r3", n, fact.event, f"{n:064x}") for n, fact in enumerate(story.facts, start=1)
        ]

    def last_sequence(self) -> int:
        return len(self._fixed) + self.ticks

    def read(self, release: str, after: int = 0) -> list[Entry]:
        return self._fixed[after:]

    def since(self, sequence: int, limit: int = 1000) -> list[Entry]:
        if sequence < len(self._fixed):
            return self._fixed[sequence : sequence + limit]
        end = min(self.last_sequence(), sequence + limit)
        return [self._tick(n) for n in range(sequence + 1, end + 1)]

    def _tick(self, sequence: int) -> Entry:
        """The answer to the Observe that the entry before asked for."""
        self.served += 1
        judged = events.Judged(
            at=self._at + self.served,
            effect=EffectId("r3", sequence - 1, 0),
            verdict=WAIT,
            sample="0" * 64,
            requests=(100, 10),
        )
        return Entry(sequence, "r3", sequence, judged, f"{sequence:064x}")


def test_memory_is_flat_over_a_hundred_thousand_ticks() -> None:
    slow = Stage(weight=10, bake_s=10_000_000.0, deadline_s=20_000_000.0)
    wish = intent(version("d"), slow, label="v3")
    policies = Policies(audience=Audience((OPS,)))
    story = stories.release(
        "r3", wish, running={WEB: version("b")}, verdicts=(stories.WATCH,), policies=policies
    ).go(observe=3)
    ledger = Ticking(story)
    notifier, store = MemoryNotifier(), MemoryStore()
    outbox = Outbox(ledger, store, lambda lane: notifier, lambda: story.state.at)

    async def run() -> tuple[int, int]:
        await outbox.begin()
        await outbox._round()
        ledger.ticks = SETTLED
        await outbox._round()
        gc.collect()
        before = len(gc.get_objects())
        saves = store.saves
        while ledger.ticks < TICKS:
            ledger.ticks += 10_000
            await outbox._round()
        gc.collect()
        after = len(gc.get_objects())
        await outbox.close()
        return after - before, store.saves - saves

    grown, saves = asyncio.run(run())
    assert ledger.served == TICKS
    assert outbox.book.cursor == TICKS + len(story.facts)
    assert grown < OBJECTS_MAX
    assert saves <= 2 * (TICKS - SETTLED) // 10_000


def test_planted_secrets_are_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In no file of the home, no entry of the ledger, no trouble: settings only name where a secret is."""
    for n, name in enumerate(("HOOK_URL", "HOOK_SECRET", "OPS_URL")):
        monkeypatch.setenv(name, f"http://user:hunter{n}@127.0.0.1:1/hunter{n}?token=hunter{n}")

    kept: list[bytes] = []

    async def story() -> None:
        post, supervisor = await opened()
        hook = {
            name: {"kind": "env", "name": variable}
            for name, variable in (("url", "HOOK_URL"), ("secret", "HOOK_SECRET"))
        }
        audience = Audience((Channel("ops", "webhook", hook),))
        post.channels["ops"].always = Temporary("no connection")
        await supervisor.submit(told(TWO, audience))
        await post.home.until_closed("r2")
        await until(lambda: bool(post.store.content and b"no connection" in post.store.content))
        kept.append(post.store.content or b"")
        assert post.outbox is not None
        said = [repr(post.outbox.trouble()), *(repr(entry) for entry in post.home.ledger.since(0))]
        assert not any("hunter" in one for one in said)

    play(story)
    asyncio.run(FileStore(tmp_path).save(kept[0]))
    written = (tmp_path / "outbox.json").read_bytes()
    assert b"HOOK_URL" in written
    assert b"hunter" not in written
    assert (tmp_path / "outbox.json").stat().st_mode & 0o077 == 0


def test_the_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    assert store.load() is None
    asyncio.run(store.save(b"one"))
    monkeypatch.setattr("os.fsync", _no_room)
    with pytest.raises(OSError, match="No space"):
        asyncio.run(store.save(b"two"))
    assert store.load() == b"one"
    assert [one.name for one in tmp_path.iterdir()] == ["outbox.json"]
    monkeypatch.undo()
    store.set_aside()
    assert store.load() is None
    assert (tmp_path / "outbox.unreadable").read_bytes() == b"one"


def _no_room(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_stops_no_message() -> None:
    class Full(MemoryStore):
        full = False

        async def save(self, content: bytes) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            await super().save(content)

    async def story() -> None:
        store = Full()
        post, supervisor = await opened(store=store)
        store.full = True
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await until(lambda: post.moments()[-1:] == ["closed"])
        assert post.outbox is not None
        assert "No space left on device" in post.outbox.trouble()["outbox"]
        store.full = False
        await until(lambda: "outbox" not in post.outbox.trouble() if post.outbox else False)

    play(story)
