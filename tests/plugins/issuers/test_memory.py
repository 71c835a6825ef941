"""The twin in memory keeps the promises of every issuer."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from headgate.ports.errors import Temporary
from headgate.ports.issuer import Person
from headgate.testing.fakes.issuer import MemoryIssuer
from headgate.testing.issuers import IssuerContract

GROUPS = ("shop", "release")


class Memory:
    secrets = ("hunter2",)

    def __init__(self) -> None:
        self.issuer = MemoryIssuer()

    async def signs_in(self, address: str, *, verified: bool) -> Mapping[str, str]:
        (state,) = parse_qs(urlsplit(address).query)["state"]
        email = "Ada@example.com" if verified else ""
        claims = {"groups": GROUPS} | ({"email": (email.lower(),)} if verified else {})
        return self.issuer.signs_in(state, Person(self.issuer.url, "s-1", email, "ada", claims))

    def fail(self) -> None:
        self.issuer.trouble = Temporary("nobody answers")


class TestMemory(IssuerContract):
    @asynccontextmanager
    async def setup(self) -> AsyncGenerator[Memory]:
        yield Memory()
