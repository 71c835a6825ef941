"""Envoy's admin interface, on a unix socket that only its owner can open."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from headgate.homes import proxy_socket_of
from headgate.kit.http_once import NoAnswer, ask_once
from headgate.plugins.traffic.envoy.threads import in_thread
from headgate.ports.errors import UNREADABLE, Temporary, why
from headgate.unix_sockets import connect

T = TypeVar("T")

TIMEOUT_S = 2.0
"""The longest pause."""

ANSWER_S = 10.0
"""The longest that a whole answer may take: some are of many megabytes."""

BODY_MAX_BYTES = 64 * 1024 * 1024


def admin_socket(home: Path) -> Path:
    """The socket of the Envoy of `home`."""
    return proxy_socket_of(home)


class AbsentError(Temporary):
    """Envoy answers, and has no such thing (yet)."""


class Admin:
    """A client of the admin interface at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def get(self, target: str) -> bytes:
        """What Envoy answers to GET `target` (`/stats?...`). Raises AbsentError, and Temporary when it is silent."""
        return await in_thread(self._ask, "GET", target)

    async def post(self, target: str) -> bytes:
        """The same for what changes something (`/runtime_modify?...`)."""
        return await in_thread(self._ask, "POST", target)

    async def json(self, target: str) -> dict[str, Any]:
        """The same, decoded: always an object."""
        return _decoded(await self.get(target), target, dict[str, Any])

    async def stats(self, regex: str) -> dict[str, int | str]:
        """Counters, gauges and texts whose whole name matches `regex`, by name."""
        target = f"/stats?format=json&filter={quote(f'^(?:{regex})$')}"
        found = _decoded(await self.get(target), target, _Stats).stats
        return {stat.name: stat.value for stat in found if stat.name}

    async def ready(self) -> bool:
        """True when Envoy has read its configuration and serves."""
        try:
            return (await self.get("/ready")).strip() == b"LIVE"
        except Temporary:
            return False

    def _ask(self, method: str, target: str) -> bytes:
        try:
            connection = connect(self.path, TIMEOUT_S)
            status, body = ask_once(connection, method, target, within_s=ANSWER_S, max_bytes=BODY_MAX_BYTES)
        except (OSError, NoAnswer) as error:
            raise Temporary(f"Envoy's admin interface at {self.path} does not answer: {error}") from error
        path = target.partition("?")[0]
        if status == HTTPStatus.NOT_FOUND:
            raise AbsentError(f"Envoy has nothing to say about {target}")
        if status != HTTPStatus.OK:
            raise Temporary(f"Envoy's admin interface answered {path} with {status}: {body[:200]!r}")
        return body


class _Stat(msgspec.Struct):
    """A number or a text; what has no name is histograms."""

    name: str = ""
    value: int | str = 0


class _Stats(msgspec.Struct):
    stats: list[_Stat]


def _decoded(body: bytes, target: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise Temporary(
            f"Envoy's admin interface answered {target} with broken JSON: {why(error)}"
        ) from error
