"""The issuer's public keys, kept for a while; one that is not among them is looked for once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from headgate.ports.errors import Permanent

Key = Mapping[str, Any]
"""A JSON Web Key (RFC 7517)."""

AGE_MAX_S = 600.0
KEYS_MAX = 100
UNKNOWN_MAX = 10
"""How many names that are not there are looked for within AGE_MAX_S, each once."""

SHAPES: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The algorithms that are taken, with type and curve of their keys. None is symmetric: a public key is no secret."""


class Keys:
    """The keys that `fetch` finds."""

    def __init__(self, fetch: Callable[[], Awaitable[Sequence[Key]]], now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._now = now
        self._keys: Sequence[Key] = ()
        self._until = float("-inf")
        self._unknown: set[str] = set()
        self._lock = asyncio.Lock()

    async def find(self, name: str | None, algorithm: str) -> Key:
        """The key of this name for `algorithm`, or the only one there is for it. Raises PortError."""
        async with self._lock:
            if self._now() >= self._until:
                self._keys = await self._fetch()
                self._until, self._unknown = self._now() + AGE_MAX_S, set()
            elif self._worth_a_look(name):
                self._unknown.add(str(name))
                self._keys = await self._fetch()
            fit = [key for key in self._keys[:KEYS_MAX] if _fits(key, name, algorithm)]
        if len(fit) != 1:
            called = "no name" if name is None else f"the name {name[:100]!r}"
            raise Permanent(
                f"the issuer has {len(fit)} keys for {algorithm} with {called}, and there must be one"
            )
        return fit[0]

    def _worth_a_look(self, name: str | None) -> bool:
        known = name is None or any(key.get("kid") == name for key in self._keys)
        return not known and name not in self._unknown and len(self._unknown) < UNKNOWN_MAX


def _fits(key: Key, name: str | None, algorithm: str) -> bool:
    kind, curve = SHAPES[algorithm]
    return (
        (name is None or key.get("kid") == name)
        and key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("alg", algorithm) == algorithm
        and key.get("use", "sig") == "sig"
    )
