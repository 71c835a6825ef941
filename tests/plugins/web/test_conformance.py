"""The web over HTTP and its twin in memory keep the promises of the port."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from headgate.plugins.web.client import HttpWeb
from headgate.ports.web import Web
from headgate.testing.fakes.web import MemoryWeb
from headgate.testing.web import Script, Served, WebContract, http_server


@dataclass(frozen=True)
class Made:
    web: Web
    origin: str


class TestHttp(WebContract):
    def served(self, script: Script) -> AbstractAsyncContextManager[Served]:
        @contextlib.asynccontextmanager
        async def opened() -> AsyncGenerator[Served]:
            async with http_server(script) as origin:
                web = HttpWeb()
                try:
                    yield Made(web, origin)
                finally:
                    await web.aclose()

        return opened()


class TestMemory(WebContract):
    def served(self, script: Script) -> AbstractAsyncContextManager[Served]:
        return contextlib.nullcontext(Made(MemoryWeb(script), "https://vendor.example"))
