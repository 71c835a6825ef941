"""Speaks to the running controller: JSON over HTTP on a unix socket, by the standard library, which starts quickest."""

import socket
from pathlib import Path
from typing import Any

import msgspec

from headgate.cli import exits
from headgate.cli.errors import Unable
from headgate.cli.session import person
from headgate.unix_sockets import connect

CONNECT_S = 2.0
ANSWER_S = 60.0
"""An answer waits for the ledger, which may be busy."""

ANSWER_MAX_BYTES = 4 * 1024 * 1024

_EXITS = {404: exits.USAGE, 409: exits.REFUSED, 422: exits.USAGE}


class NoController(Exception):  # noqa: N818 - a fact: nobody answers
    """No controller answers at the socket."""


class Health(msgspec.Struct, frozen=True):
    """The controller: its process, its open releases, what stands in their way (by release), its dashboard's `url`."""

    pid: int = 0
    version: str = ""
    open: tuple[str, ...] = ()
    url: str = ""
    trouble: dict[str, str] = {}


def _connect(path: Path) -> socket.socket:
    """Raises NoController."""
    try:
        return connect(path, CONNECT_S)
    except OSError as error:
        raise NoController(str(error)) from error


class Client:
    """One controller's API. Every call may raise NoController, and Unable for what the controller refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def health(self, timeout_s: float = CONNECT_S) -> Health:
        """What the controller says of itself."""
        return msgspec.convert(self._ask("GET", "/v1/health", None, timeout_s), Health)

    def answers(self) -> bool:
        """True when a controller answers."""
        try:
            self.health()
        except (NoController, Unable):
            return False
        return True

    def submit(self, submission: Any) -> str:  # noqa: ANN401 - a Submission, whose room need not be loaded here
        """Hand in a release; returns its name."""
        return str(self._ask("POST", "/v1/releases", submission)["release"])

    def tell(self, release: str, verb: str, by: str, why: str) -> str:
        """Hand on a person's word; returns the release's phase after it."""
        answer = self._ask("POST", f"/v1/releases/{release}/{verb}", {"by": by, "reason": why})
        return str(answer.get("phase", ""))

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What the API answers to whoever types this."""
        return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: object, timeout_s: float = ANSWER_S) -> dict[str, Any]:
        found = _connect(self._path)
        import http.client

        connection = http.client.HTTPConnection("headgate")
        found.settimeout(timeout_s)
        connection.sock = found
        try:
            content = None if body is None else msgspec.json.encode(body)
            headers = {"content-type": "application/json", "x-headgate-person": _plain(person())}
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            answer = response.read(ANSWER_MAX_BYTES)
        except (OSError, http.client.HTTPException) as error:
            what = f"the controller did not answer ({str(error) or type(error).__name__})"
            hint = "it may have heard: `headgate status` shows how things stand"
            raise Unable(what, hint, code=exits.INTERNAL) from error
        finally:
            connection.close()
        return _read(response.status, answer)


def _read(status: int, answer: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.MsgspecError:
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
