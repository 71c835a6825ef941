"""Channels tried out: one message each, at once, and what became of it."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from headgate.core.model import Channel
from headgate.core.story.account import one_line
from headgate.outbox.book import Lane
from headgate.outbox.courier import Maker
from headgate.outbox.quiet import quiet
from headgate.outbox.store import Limits
from headgate.ports.errors import PortError
from headgate.ports.notifier import Message


class Tried(msgspec.Struct, frozen=True):
    """What a channel did with a message: `why` it did not take it, and `notes` on when it would be given one."""

    channel: str
    plugin: str
    ok: bool
    took_s: float
    why: str = ""
    notes: tuple[str, ...] = ()


async def try_channels(channels: Sequence[Channel], make: Maker, message: Message) -> tuple[Tried, ...]:
    """Give `message` to every channel, side by side, each for at most as long as the outbox would wait."""
    return tuple(await asyncio.gather(*(_try(channel, make, message) for channel in channels)))


async def _try(channel: Channel, make: Maker, message: Message) -> Tried:
    began = time.monotonic()
    why = await _why_not(channel, make, message)
    took_s = round(time.monotonic() - began, 3)
    return Tried(channel.name, channel.kind, not why, took_s, why, tuple(_notes(channel, message.at)))


async def _why_not(channel: Channel, make: Maker, message: Message) -> str:
    """Empty when it was said."""
    wait_s = Limits().attempt_s
    lane = Lane("notifiers", channel.name, channel.kind, channel.settings, reach=channel.reach)
    try:
        async with asyncio.timeout(wait_s):
            await make(lane).send(message, "")  # type: ignore[union-attr]
    except PortError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {wait_s:g} s"
    except Exception as error:  # noqa: BLE001 - a plugin's defect; its words may hold what must not be shown
        return f"the plugin {channel.kind!r} broke down: {type(error).__name__}"
    return ""


def _notes(channel: Channel, at: float) -> list[str]:
    found: list[str] = []
    if channel.on or channel.severity_min != "info":
        on = ", ".join(channel.on) or "everything but step"
        found.append(f"listens to: {on}; from {channel.severity_min} on")
    if quiet(channel.quiet, at):
        found.append("it is quiet there now: what is not critical would wait")
    return found


def trial_message(project: str, environment: str, by: str, at: float) -> Message:
    """What is said when a channel is tried."""
    return Message(
        key=f"test/{project}/{environment}/{at:.3f}",
        release="test",
        moment="requested",
        severity="info",
        title=one_line(f"{project}/{environment}: a test of this channel"),
        lines=(one_line(f"{by} asked Headgate to try it: nothing is released, and nothing is to be done."),),
        at=at,
    )
