"""The web in memory: a script answers. For tests and whoever writes a plugin."""

from collections.abc import Callable
from urllib.parse import urlsplit

from headgate.kit.refusals import out_of_reach, refusal, require_sendable, too_large, unanswered
from headgate.ports.errors import Temporary
from headgate.ports.reach import Bounds, known
from headgate.ports.web import BODY_MAX_BYTES, Answer, Request

ATTEMPTS_MAX = 3

Script = Callable[[Request], Answer]
"""Answers a request, with any status. Raises ConnectionError (nobody listens), TimeoutError (silence) or EOFError (the
answer breaks off)."""

_REFUSED = 400


class MemoryWeb:
    """Asks `script`. `asked` holds every request as it was sent, repetitions included.

    It resolves no names: `bounds` are held against what a host spells.
    """

    def __init__(
        self, script: Script, body_max_bytes: int = BODY_MAX_BYTES, bounds: Bounds | None = None
    ) -> None:
        self._script = script
        self._bounds = bounds or Bounds()
        self._body_max_bytes = body_max_bytes
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        """See ports.Web. Repeats at once: time is not this one's business."""
        require_sendable(request)
        address = known(urlsplit(request.url).hostname or "")
        if address and (objection := self._bounds.objection(address)):
            raise out_of_reach(request, objection)
        left = ATTEMPTS_MAX if request.retry else 1
        while True:
            left -= 1
            try:
                return self._once(request)
            except Temporary:
                if not left:
                    raise

    def _once(self, request: Request) -> Answer:
        self.asked.append(request)
        try:
            answer = self._script(request)
        except ConnectionError:
            raise unanswered(request, "no connection") from None
        except TimeoutError:
            raise unanswered(request, "no answer in time") from None
        except EOFError:
            raise unanswered(request, "the answer broke off") from None
        if answer.status >= _REFUSED:
            raise refusal(request, answer.status, answer.body)
        if len(answer.body) > self._body_max_bytes:
            raise too_large(request, self._body_max_bytes)
        return answer

    async def aclose(self) -> None:
        """Nothing is open."""
