"""One question to an issuer, and its answer as a type: bounded in time and size."""

from typing import TypeVar

import msgspec

from headgate.kit.refusals import place, too_large
from headgate.ports.errors import Permanent
from headgate.ports.issuer import ANSWER_MAX_BYTES
from headgate.ports.unreadable import UNREADABLE, why
from headgate.ports.web import Request, Web

TIMEOUT_S = 5.0

T = TypeVar("T")


async def ask(web: Web, request: Request, kind: type[T]) -> T:
    """The answer to `request`. Raises PortError; its message shows nothing of an answer that was understood."""
    answer = await web.ask(request)
    if len(answer.body) > ANSWER_MAX_BYTES:
        raise too_large(request, ANSWER_MAX_BYTES)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except UNREADABLE as error:
        raise Permanent(f"{place(request)} answered what cannot be understood: {why(error)}") from None
