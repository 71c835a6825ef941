"""A client of the running controller, and of the door beside it.

What steers goes to the controller itself, in frames over its own socket, so that it works while the door is overrun or
dead. Everything else is the owner's API, JSON over HTTP on the door's socket.
"""

import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from headgate.cli import exits
from headgate.cli.errors import Unable
from headgate.cli.session import person
from headgate.homes import steering_beside
from headgate.ports.errors import UNREADABLE
from headgate.unix_sockets import connect, listens

if TYPE_CHECKING:
    from headgate.core.model import Unit
    from headgate.core.release.submission import Submission
    from headgate.ipc.messages import Ask, Refused
    from headgate.ports.controller import Health, Heard, Retired

T = TypeVar("T")

CONNECT_S = 2.0
ANSWER_S = 60.0
"""An answer waits for the ledger, which may be busy."""

DOOR_S = 5.0
"""The door opens a moment after the controller runs."""

ANSWER_MAX_BYTES = 4 * 1024 * 1024

_EXITS = {404: exits.USAGE, 409: exits.REFUSED, 422: exits.USAGE}


class NoController(Exception):  # noqa: N818 - a fact: nobody answers
    """No controller answers at the socket."""


def _connect(path: Path) -> socket.socket:
    """Raises NoController."""
    try:
        return connect(path, CONNECT_S)
    except OSError as error:
        raise NoController(str(error)) from error


class Client:
    """One home's controller. `api` is the socket of the owner's API; the controller's own is beside it.

    Every call may raise NoController, and Unable for what is refused.
    """

    def __init__(self, api: Path) -> None:
        self._api = api
        self._steering = steering_beside(api)

    def health(self, timeout_s: float = CONNECT_S) -> "Health":
        """What the controller says of itself."""
        from headgate.ipc.messages import Healthy, HowAreYou

        return self._steer(HowAreYou(), Healthy, timeout_s).health

    def answers(self) -> bool:
        """True when a controller answers."""
        try:
            self.health()
        except (NoController, Unable):
            return False
        return True

    def submit(self, submission: "Submission") -> str:
        """Hand in a release; returns its name."""
        from headgate.ipc.messages import Begun, Submit

        return self._steer(Submit(submission), Begun).release

    def tell(self, release: str, verb: str, by: str, why: str) -> "Heard":
        """Hand on a person's word; returns what that led to."""
        from headgate.core.machine.events import STAMPED_LATER
        from headgate.core.machine.names import WORDS
        from headgate.ipc.messages import Tell, Told

        return self._steer(Tell(release, WORDS[verb](at=STAMPED_LATER, by=by, reason=why)), Told).heard

    def retire(self, unit: "Unit", by: str, why: str) -> "Retired":
        """Have a unit taken away; returns how far that has come."""
        from headgate.ipc.messages import Gone, Retire

        return self._steer(Retire(unit, by, why), Gone).retired

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What the API answers to whoever types this."""
        try:
            found = _connect(self._api)
        except NoController:
            found = self._opening_door()
        return _spoken(found, method, path, body)

    def _opening_door(self) -> socket.socket:
        """The door of a controller that runs, as soon as it has opened. Raises NoController, Unable."""
        deadline = time.monotonic() + DOOR_S
        while listens(self._steering):
            try:
                return _connect(self._api)
            except NoController as error:
                if time.monotonic() > deadline:
                    what = "the controller runs, but the door beside it does not answer"
                    raise Unable(what, "`headgate status` says why", code=exits.INTERNAL) from error
            time.sleep(0.05)
        raise NoController("no controller runs")

    def _steer(self, ask: "Ask", expected: type[T], timeout_s: float = ANSWER_S) -> T:
        """What the controller itself answers. Raises NoController, Unable."""
        from headgate.ipc.frames import Broken
        from headgate.ipc.messages import Refused
        from headgate.ipc.once import asked_once

        found = _connect(self._steering)
        found.settimeout(timeout_s)
        try:
            answer = asked_once(found, ask)
        except (OSError, Broken, ValueError) as error:
            raise _unanswered(error) from error
        if isinstance(answer, expected):
            return answer
        if isinstance(answer, Refused):
            raise _refused(answer)
        raise Unable(f"the controller answered with {type(answer).__name__}", code=exits.INTERNAL)


def _spoken(found: socket.socket, method: str, path: str, body: object) -> dict[str, Any]:
    """What is answered by HTTP on this connection, which ends with it. Raises Unable."""
    from headgate.kit.http_once import NoAnswer, ask_once

    content = None if body is None else msgspec.json.encode(body)
    headers = {"content-type": "application/json", "x-headgate-person": _plain(person())}
    found.settimeout(ANSWER_S)
    try:
        status, answer = ask_once(
            found, method, path, content, headers, within_s=ANSWER_S, max_bytes=ANSWER_MAX_BYTES
        )
    except NoAnswer as error:
        raise _unanswered(error) from error
    return _read(status, answer)


def _unanswered(error: Exception) -> Unable:
    what = f"the controller did not answer ({str(error) or type(error).__name__})"
    return Unable(what, "it may have heard: `headgate status` shows how things stand", code=exits.INTERNAL)


def _refused(answer: "Refused") -> Unable:
    """What the controller refuses, as the API would."""
    match answer.kind:
        case "unknown" | "illegal" | "unretirable" | "not now":
            status, title = 409, "not possible now"
        case "stopped":
            status, title = 503, "the controller is stopping"
        case "ledger":
            status, title = 503, "the ledger is in trouble"
        case "malformed":
            status, title = 422, "malformed request"
        case _:
            status, title = 500, "a fault of ours"
    return refusal(status, title, answer.why)


def _read(status: int, answer: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer, type=dict[str, Any])
    except UNREADABLE:
        found = {"title": "an answer that is no JSON", "detail": answer[:200].decode(errors="replace")}
        status = max(status, 500)
    if status < 400:  # noqa: PLR2004 - HTTP's line between yes and no
        return found
    title, detail = str(found.get("title", f"status {status}")), str(found.get("detail", ""))
    raise refusal(status, title, detail)


def refusal(status: int, title: str, detail: str) -> Unable:
    """What the API refuses, as a command says it."""
    return Unable(f"{title}: {detail}" if detail else title, code=_EXITS.get(status, exits.INTERNAL))


def _plain(name: str) -> str:
    """A name as a header can hold it."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in name)
