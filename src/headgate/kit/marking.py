"""Requests of markers: their settings and secrets, questions in JSON, and the reference to a mark."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.refusals import first_words
from headgate.ports.errors import UNREADABLE, Permanent, Temporary, why
from headgate.ports.keeper import bound
from headgate.ports.secrets import read_secret
from headgate.ports.web import Answer, Request, Web
from headgate.ports.wires import Wires

T = TypeVar("T")

TIMEOUT_S = 10.0
"""How long one request may take: a mark is written beside a release, which never waits for it."""


def settings_of(wires: Wires, kind: type[T]) -> T:
    """The plugin's settings. Raises Permanent, which names the key and holds no value."""
    try:
        return bound(msgspec.convert(dict(wires.settings), kind), wires.keeper)
    except msgspec.ValidationError as error:
        raise Permanent(f"{wires.name or 'the plugin'}: {error}") from None


def web_of(wires: Wires) -> Web:
    """The web. Raises Permanent when there is none."""
    if wires.web is None:
        raise Permanent(f"{wires.name or 'the plugin'} needs the web, which it was not given")
    return wires.web


@dataclass(frozen=True)
class Secret:
    """A secret as a header holds it: read anew each time, so that one that was rotated is the new one."""

    source: SecretSource
    prefix: str = ""

    def read(self) -> str:
        """The secret alone. Raises Permanent."""
        return read_secret(self.source)


@dataclass(frozen=True)
class Asking:
    """Asks one system in JSON. `secrets` are headers; `name` is what errors call it."""

    web: Web
    name: str
    url: str
    secrets: Mapping[str, Secret]
    headers: Mapping[str, str]

    async def one(
        self, method: str, path: str, content: object = None, *, retry: bool = True
    ) -> dict[str, Any]:
        """The object that is answered; an empty one where the answer is empty. Raises Temporary or Permanent.

        `retry` says whether it may be sent twice when nobody knows whether it arrived.
        """
        return decoded(await self.send(method, path, content, retry=retry), dict[str, Any], self.name)

    async def many(self, path: str) -> list[dict[str, Any]]:
        """The objects that are there. Raises Temporary or Permanent."""
        return decoded(await self.send("GET", path), list[dict[str, Any]], self.name)

    def told(self, text: str) -> str:
        """What the system said, fit to be shown: on one line, short, without the secrets that were sent."""
        return first_words(text.encode(), [secret.read() for secret in self.secrets.values()])

    async def send(self, method: str, path: str, content: object = None, *, retry: bool = True) -> Answer:
        """The answer as it is."""
        read = {header: secret.read() for header, secret in self.secrets.items()}
        shown = {header: f"{self.secrets[header].prefix}{value}" for header, value in read.items()}
        body = b"" if content is None else msgspec.json.encode(content)
        kind = {"content-type": "application/json"} if body else {}
        return await self.web.ask(
            Request(
                method,
                f"{self.url.rstrip('/')}{path}",
                {"accept": "application/json", **kind, **self.headers, **shown},
                body,
                timeout_s=TIMEOUT_S,
                retry=retry,
                secrets=tuple(value for value in read.values() if value),
            )
        )


def decoded(answer: Answer, kind: type[T], name: str) -> T:
    """An answer's JSON, empty where it is. Raises Temporary when it is broken: it was cut off on its way.

    Raises Permanent when it is something else than `kind`.
    """
    if not answer.body.strip():
        return kind()
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.ValidationError as error:
        raise Permanent(f"{name} answered something else: {error}; is this address really {name}?") from None
    except UNREADABLE as error:
        raise Temporary(
            f"{name} answered {answer.status} with broken JSON ({why(error)}); it is asked again"
        ) from None


def need(found: Mapping[str, Any], key: str, name: str) -> str:
    """The id that an answer must have under `key`, as text. Raises Permanent when it has none."""
    value = found.get(key)
    if isinstance(value, str | int) and value != "":
        return str(value)
    raise Permanent(f"{name} answered without {key!r}: is this address really {name}?")


def remembered(reference: str) -> dict[str, str]:
    """What a reference holds: by service or by moment, where its mark is. Whatever is no reference holds nothing."""
    try:
        return msgspec.json.decode(reference, type=dict[str, str]) if reference else {}
    except UNREADABLE:
        return {}


def reference_to(places: Mapping[str, str]) -> str:
    """A reference that `remembered` reads."""
    return msgspec.json.encode(places, order="sorted").decode() if places else ""
