"""Requests to a vendor's web API: who asks, what is said of an answer, and what shape it must have."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast
from urllib.parse import quote, urlencode

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.refusals import WORDS_MAX, struck
from headgate.ports.errors import UNREADABLE, Permanent, PortError, Temporary, why
from headgate.ports.secrets import read_secret
from headgate.ports.web import Answer, Request, Web
from headgate.ports.wires import Wires

T = TypeVar("T")

JSON = {"content-type": "application/json", "accept": "application/json"}


@dataclass(frozen=True)
class Login:
    """The headers that prove who asks, and the texts in them that must never be shown."""

    headers: Mapping[str, str]
    secrets: tuple[str, ...]


LogIn = Callable[[], Login]
"""Reads the secrets anew each time: one that was rotated is the new one. Raises Permanent."""


def anonymous() -> Login:
    """A login for vendors that ask for none."""
    return Login({}, ())


def by_headers(sources: Mapping[str, SecretSource], prefix: str = "") -> LogIn:
    """A secret in each of these headers, after `prefix` (`Bearer `)."""

    def log_in() -> Login:
        read = {header: read_secret(source) for header, source in sources.items()}
        headers = {header: f"{prefix}{secret}" for header, secret in read.items()}
        return Login(headers, tuple(secret for secret in read.values() if secret))

    return log_in


def by_password(user: str, password: SecretSource) -> LogIn:
    """HTTP's basic authentication (RFC 7617)."""

    def log_in() -> Login:
        secret = read_secret(password)
        return basic(user, secret, (secret,))

    return log_in


def basic(user: str, password: str, secrets: tuple[str, ...]) -> Login:
    """A user and a password, of which `secrets` must not be shown."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Login({"authorization": f"Basic {pair}"}, tuple(one for one in (*secrets, pair) if one))


def by_token_or_password(
    token: SecretSource | None, user: str, password: SecretSource | None, prefix: str = "Bearer "
) -> LogIn:
    """What is given: a token, a password, or nothing."""
    if token is not None:
        return by_headers({"authorization": token}, prefix)
    return by_password(user, password) if password is not None else anonymous


def web_of(wires: Wires) -> Web:
    """The web. Raises Permanent when there is none."""
    if wires.web is None:
        raise Permanent(f"the signals {wires.name!r} need the web, which they were not given")
    return wires.web


@dataclass(frozen=True)
class Vendor:
    """One vendor's API at `url`, called `name` in what people read."""

    name: str
    web: Web
    url: str
    timeout_s: float
    log_in: LogIn = anonymous

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = JSON,
        body: bytes = b"",
    ) -> Answer:
        """The answer as it is. Everything asked here is a question: it may be sent twice."""
        login = self.log_in()
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        url = f"{self.url.rstrip('/')}{path}{query}"
        request = Request(
            method, url, {**headers, **login.headers}, body, self.timeout_s, secrets=login.secrets
        )
        try:
            return await self.web.ask(request)
        except PortError as error:
            raise type(error)(f"{self.name}: {error}") from None

    def shaped(self, answer: Answer, kind: type[T]) -> T:
        """The answer's JSON. Raises Temporary where it is broken or has another shape."""
        return shaped(self.name, answer.body, kind, self.log_in().secrets)

    def complaint(self, said: object) -> Temporary:
        """What the vendor said of its own answer, as an error."""
        text = " ".join(struck(str(said), self.log_in().secrets).split())
        return Temporary(f"{self.name} says: {text[:WORDS_MAX]}")


async def each(
    ask: Callable[[str, str], Awaitable[float | None]], questions: Mapping[str, str]
) -> dict[str, float | None]:
    """The answers of `ask(name, query)`, side by side. Raises the first trouble, when every one has ended."""
    found = await asyncio.gather(*(ask(*question) for question in questions.items()), return_exceptions=True)
    for answer in found:
        if isinstance(answer, BaseException):
            raise answer
    return dict(zip(questions, cast("list[float | None]", found), strict=True))


def shaped(name: str, body: bytes, kind: type[T], secrets: tuple[str, ...] = ()) -> T:
    """JSON of a known shape. Raises Temporary, with no more of it than its place."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        what = struck(str(error), secrets)[:WORDS_MAX]
        raise Temporary(f"{name} answered in another shape: {what}; is the address right?") from None
    except UNREADABLE as error:
        raise Temporary(f"{name} answered with broken JSON: {why(error)[:WORDS_MAX]}") from None
