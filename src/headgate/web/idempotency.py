"""The same request twice is done once (draft-ietf-httpapi-idempotency-key-header): answers kept by the caller's key.

In memory, and bounded: a controller that starts again, or has had KEYS_MAX keys since, knows the key no more.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from headgate.web.endpoint import Reply
from headgate.web.problems import Problem, malformed

HEADER = "idempotency-key"
KEYS_MAX = 1000
KEY_MAX_CHARACTERS = 255


@dataclass
class _Kept:
    digest: str
    reply: Reply | None = None


class Keys:
    """Answers by (who, endpoint, key). Only what was done is kept: what was refused may be tried again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], _Kept] = OrderedDict()

    async def once(
        self, key: tuple[str, str, str], digest: str, act: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        """What `act` answers, or did answer to this key. `digest` names the request.

        Raises Problem: 422 when the key came with another request, 409 while the first one is under way.
        """
        if not 0 < len(key[-1]) <= KEY_MAX_CHARACTERS:
            raise malformed(f"a key has 1 to {KEY_MAX_CHARACTERS} characters", f"header.{HEADER}")
        known = self._kept.get(key)
        if known is not None:
            return _again(known, digest)
        kept = self._kept[key] = _Kept(digest)
        while len(self._kept) > KEYS_MAX:
            self._kept.popitem(last=False)
        try:
            kept.reply = await act()
        except BaseException:
            self._kept.pop(key, None)
            raise
        return kept.reply


def _again(known: _Kept, digest: str) -> Reply:
    if known.digest != digest:
        raise malformed("this key was sent with another request already: take a new one", f"header.{HEADER}")
    if known.reply is None:
        raise Problem(HTTPStatus.CONFLICT, "under way", "the first request with this key is not answered yet")
    return known.reply
