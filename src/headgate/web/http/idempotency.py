"""The same request twice is done once (draft-ietf-httpapi-idempotency-key-header): answers kept by the caller's key.

Bounded: after KEYS_MAX other keys it is known no more. Kept in the home, so that a door that starts again knows what it
has done; of a request that was under way when it died, nobody knows whether it was.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec

from headgate.web.http.endpoint import Reply
from headgate.web.http.keeping import Drawer, MemoryDrawer
from headgate.web.http.problems import Problem, malformed

HEADER = "idempotency-key"
KEYS_MAX = 1000
KEY_MAX_CHARACTERS = 255


class _Kept(msgspec.Struct):
    digest: str
    content: str = ""  # as JSON; empty: the first request is not answered yet
    headers: dict[str, str] = {}
    etag: str = ""


class Keys:
    """Answers by (who, endpoint, key). Only what was done is kept: what was refused may be tried again."""

    def __init__(self, drawer: Drawer | None = None) -> None:
        self._drawer = drawer or MemoryDrawer()
        self._kept = OrderedDict(self._drawer.load(dict[str, _Kept]) or {})

    async def once(
        self, key: tuple[str, str, str], digest: str, act: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        """What `act` answers, or did answer to this key. `digest` names the request.

        Raises Problem: 422 when the key came with another request, 409 while the first one is under way.
        """
        if not 0 < len(key[-1]) <= KEY_MAX_CHARACTERS:
            raise malformed(f"a key has 1 to {KEY_MAX_CHARACTERS} characters", f"header.{HEADER}")
        name = hashlib.sha256(msgspec.json.encode(key)).hexdigest()
        known = self._kept.get(name)
        if known is not None:
            return _again(known, digest)
        kept = self._kept[name] = _Kept(digest)
        while len(self._kept) > KEYS_MAX:
            self._kept.popitem(last=False)
        try:
            reply = await act()
        except BaseException:
            self._kept.pop(name, None)
            raise
        kept.content = msgspec.json.encode(reply.content).decode()
        kept.headers, kept.etag = dict(reply.headers), reply.etag
        self._drawer.keep({name: one for name, one in self._kept.items() if one.content})
        return reply


def _again(known: _Kept, digest: str) -> Reply:
    if known.digest != digest:
        raise malformed("this key was sent with another request already: take a new one", f"header.{HEADER}")
    if not known.content:
        raise Problem(HTTPStatus.CONFLICT, "under way", "the first request with this key is not answered yet")
    return Reply(msgspec.Raw(known.content.encode()), known.etag, known.headers)
