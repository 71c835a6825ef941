"""The channels of a home, and what markers are made from. Apart from `world`: who judges loads no client of the web."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from headgate.core.model import Channel
from headgate.outbox import trial
from headgate.outbox.telling import maker
from headgate.outbox.trial import Tried
from headgate.plugins.web.client import HttpWeb
from headgate.ports.notifier import Message
from headgate.ports.web import Web
from headgate.ports.wires import Wires
from headgate.web.entrance import allowed_at
from headgate.wiring import stores
from headgate.wiring.secrets import keeper_at


def telling_wires(home: Path, web: Web, public_web: Web | None = None) -> Wires:
    """What channels and markers are made from."""
    return Wires(
        home,
        stores.open_processes(home),
        stores.open_artifacts(home),
        lambda _: (),
        web=web,
        public_web=public_web,
        bounds=allowed_at(home),
        keeper=keeper_at(home),
    )


def try_channels(home: Path, channels: Sequence[Channel], message: Message) -> tuple[Tried, ...]:
    """Give a message to channels, as a controller of this home would, and say what became of it."""

    async def tried() -> tuple[Tried, ...]:
        bounds = allowed_at(home)
        web, public_web = HttpWeb(bounds=bounds), HttpWeb(bounds=bounds.narrowed())
        async with contextlib.aclosing(web), contextlib.aclosing(public_web):
            make = maker(telling_wires(home, web, public_web))
            return await trial.try_channels(channels, make, message)

    return asyncio.run(tried())
