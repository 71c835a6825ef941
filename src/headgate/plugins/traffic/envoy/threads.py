"""Threads of the proxy's own: moving traffic never waits for a thread behind a slow stop or a large artifact."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREADS_MAX = 16
_THREADS = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="envoy")


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `call` returns or raises, from one of these threads; as `asyncio.to_thread` otherwise."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: call(*args, **kwargs))
