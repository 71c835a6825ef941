"""A home whose outbox can be killed and begun again, with channels in memory and virtual time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from headgate.controller.supervisor import Supervisor
from headgate.core.model import Audience, Channel, Marker, Version
from headgate.core.release.planning import Policies
from headgate.core.release.submission import Submission
from headgate.outbox.book import Lane
from headgate.outbox.outbox import Outbox
from headgate.outbox.store import Limits, MemoryStore
from headgate.ports.errors import Permanent
from headgate.ports.marker import Mark
from headgate.testing.fakes.notifier import MemoryNotifier
from tests.controller.house import ONE, Home, House, wish

OPS, PAGER, GRAFANA = Channel("ops", "memory"), Channel("pager", "memory"), Marker("grafana", "memory")


@dataclass
class MemoryMarker:
    """What was marked, each with the reference it came with."""

    marks: list[tuple[Mark, str]] = field(default_factory=list)
    does: list[Exception] = field(default_factory=list)

    async def mark(self, mark: Mark, reference: str) -> str:
        if self.does:
            raise self.does.pop(0)
        self.marks.append((mark, reference))
        return reference or f"mark-{mark.release}"


def told(version: Version, audience: Audience, **policies: object) -> Submission:
    """A wish in an environment with this audience."""
    asked = wish(version)
    return replace(asked, policies=replace(Policies(gates=("ready",), audience=audience), **policies))


@dataclass
class Post:
    """The channels and the file outlive the outbox, as they do when a controller is killed."""

    home: Home = field(default_factory=Home)
    channels: dict[str, MemoryNotifier] = field(default_factory=dict)
    markers: dict[str, MemoryMarker] = field(default_factory=dict)
    store: MemoryStore = field(default_factory=MemoryStore)
    limits: Limits = field(default_factory=Limits)
    wall: float = 1000.0
    outbox: Outbox | None = None
    task: "asyncio.Task[None] | None" = None

    def now(self) -> float:
        return self.wall + asyncio.get_running_loop().time()

    def make(self, lane: Lane) -> MemoryNotifier | MemoryMarker:
        found = self.channels if lane.group == "notifiers" else self.markers
        if lane.name not in found:
            raise Permanent(f"there is no {lane.name}")
        return found[lane.name]

    async def begin(self) -> Outbox:
        self.outbox = Outbox(self.home.ledger, self.store, self.make, self.now, limits=self.limits)
        await self.outbox.begin()
        self.task = asyncio.create_task(self.outbox.run())
        return self.outbox

    async def kill(self) -> None:
        """As SIGKILL: what is not in the store is lost."""
        assert self.task is not None
        assert self.outbox is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.outbox.close()

    def titles(self, channel: str = "ops") -> list[str]:
        return [one.rpartition(": ")[2] for one in self.channels[channel].titles]

    def moments(self, channel: str = "ops") -> list[str]:
        return [message.moment for message, _ in self.channels[channel].said]


async def opened(
    channels: Sequence[str] = ("ops",), house: House | None = None, **settings: object
) -> tuple[Post, Supervisor]:
    """A home in which version one runs, and its outbox."""
    post = Post(Home(house), {name: MemoryNotifier() for name in channels}, **settings)  # type: ignore[arg-type]
    supervisor = await post.home.with_one()
    await post.begin()
    return post, supervisor


async def until(fact: Callable[[], bool], within_s: float = 3600.0) -> None:
    async with asyncio.timeout(within_s):
        while not fact():  # noqa: ASYNC110 - what is waited for knows nothing of us
            await asyncio.sleep(0.05)


__all__ = ["GRAFANA", "ONE", "OPS", "PAGER", "Post", "opened", "told", "until"]
