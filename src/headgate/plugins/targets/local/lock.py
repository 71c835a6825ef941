"""One at a time, among tasks and processes: the target and the keeper take turns on a version."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from headgate.folders import private_folder
from headgate.ports import Temporary

WAIT_S = 60.0
POLL_S = 0.02


@asynccontextmanager
async def locked(path: Path, wait_s: float = WAIT_S) -> AsyncGenerator[None]:
    """Hold the lock file at `path`; the kernel frees it should we die. Raises Temporary after `wait_s` seconds."""
    private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _take(descriptor, path, wait_s)
        yield
    finally:
        os.close(descriptor)


async def _take(descriptor: int, path: Path, wait_s: float) -> None:
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if asyncio.get_running_loop().time() > deadline:
                raise Temporary(f"another process has held {path} for {wait_s:g} s") from None
            await asyncio.sleep(POLL_S)
        else:
            return
