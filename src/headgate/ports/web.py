"""The web as plugins need it: one question, one answer, every trouble a Temporary or a Permanent.

Whoever implements it owns time-outs, bounded retries, `Retry-After`, the circuit breaker for each origin, and the bound
on an answer's size; a plugin only builds requests and reads answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

BODY_MAX_BYTES = 16 * 1024 * 1024
"""The largest answer that is read."""


@dataclass(frozen=True)
class Request:
    """One HTTP request. `timeout_s` bounds each attempt, from the connection to the last byte.

    `secrets` are the texts in it that must never be shown: they are struck from every error. `retry` says whether it
    may be sent again when its fate is unknown (true for questions, false for what must not be done twice).
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    timeout_s: float = 1.5
    retry: bool = True
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came back: always a status below 400. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Web(Protocol):
    """Sends requests."""

    async def ask(self, request: Request) -> Answer:
        """The answer to `request`.

        Raises Temporary when there is none (no connection, time-out, 408, 425, 429, 5xx, too many failures just now),
        Permanent for any other refusal (401, 403, 404, ...), an answer over BODY_MAX_BYTES, or an address that is out
        of its reach (`ports.reach`), to which nothing is sent. The message names method, origin and path, what was
        answered (the first words of the body), and what to do; it holds no secret and no query.
        """
        ...
