"""A process for tests of `ipc.child`: says its pid, then is as the environment's MOOD says."""

import asyncio
import os
import time
from asyncio import StreamReader, StreamWriter
from pathlib import Path

from headgate.ipc import life
from headgate.ipc.asking import Asking
from headgate.ipc.messages import Report


async def lives(home: Path, reader: StreamReader, writer: StreamWriter) -> None:
    mood = os.environ["MOOD"]
    if mood == "dies":
        raise SystemExit("no mood for this")
    asking = Asking(reader, writer)
    await asking.ask(Report({"dashboard": "shut"}, str(os.getpid())), 5.0)
    if mood == "hangs":
        time.sleep(60)  # noqa: ASYNC251 - that is what hanging is
    await asyncio.wait_for(asking.closed.wait(), 60)


if __name__ == "__main__":
    life.GRACE_S = float(os.environ.get("GRACE_S", "6"))
    life.live(lives)
