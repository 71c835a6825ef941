"""Work that is done beside other work."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine


@contextlib.asynccontextmanager
async def beside(work: Coroutine[object, object, None]) -> AsyncGenerator[None]:
    """Have `work` done while the context lasts; then it is cancelled and waited for, whatever became of it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
