"""Where targets run: an event loop of their own, a folder of their own, and a web that always answers the same."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from headgate.ports.web import Answer, Request

T = TypeVar("T")

NOW = 1_700_000_000.0


@cache
def loop() -> asyncio.AbstractEventLoop:
    """One loop for all inputs of this process."""
    made = asyncio.new_event_loop()
    atexit.register(made.close)
    return made


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it."""
    return loop().run_until_complete(work)


@cache
def folder(name: str) -> Path:
    """A folder for a target, gone with the process."""
    made = Path(tempfile.mkdtemp(prefix=f"headgate-fuzz-{name}-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@dataclass(frozen=True)
class OneAnswer:
    """Answers everything with these bytes."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    async def ask(self, request: Request) -> Answer:
        """See ports.Web."""
        return Answer(200, self.headers, self.body)
