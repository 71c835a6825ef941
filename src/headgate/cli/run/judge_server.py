"""`headgate judge --serve`: the judge behind one HTTP port, for those with Argo Rollouts, Flagger or Spinnaker.

    POST /intervals/NAME   an interval (or a list of them) in JSON: the verdict so far
    GET  /verdict/NAME     the verdict so far
    DELETE /verdict/NAME   forget it: the next release begins

*Argo Rollouts* (docs/analysis/web.md of argoproj/argo-rollouts): its web metric GETs /verdict/NAME, or POSTs an
interval, and finds the verdict at `{$.verdict}`.

*Flagger* (docs/gitbook/usage/webhooks.md of fluxcd/flagger) POSTs {name, namespace, phase, metadata}; the name here is
NAMESPACE.NAME, a status of 2xx is a yes, and each type of hook has its own question:

    POST /flagger/confirm-rollout     forgets what was judged before: always yes
    POST /flagger/rollout             may it go on? (/flagger is the same)
    POST /flagger/confirm-promotion   has it passed?
    POST /flagger/rollback            has it failed?

*Spinnaker*: Kayenta's remote judge POSTs /judge (`headgate.judge.kayenta`).

A name nobody has told anything about is `no_data`: unknown is never good news.
"""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

import msgspec

from headgate.judge import Answer, Interval, Judge, VerdictKind, answer
from headgate.judge.kayenta import JudgeResult, Question, judge_arrays
from headgate.ports.errors import UNREADABLE, why

JUDGES_MAX = 1000
"""Names that are kept; the one that was heard of least lately goes first."""
BODY_MAX_BYTES = 8 * 1024 * 1024
DIGITS = 10
YES: dict[str, tuple[VerdictKind, ...]] = {
    "": ("watch", "pass"),
    "rollout": ("watch", "pass"),
    "confirm-promotion": ("pass",),
    "rollback": ("fail",),
}
"""The verdicts that are a yes to each of Flagger's questions."""
BEGIN = "confirm-rollout"
UNKNOWN = Answer(0.0, "no_data", 1.0, (), "no interval was given for this name")

_one_or_many = msgspec.json.Decoder(Interval | list[Interval])
_question = msgspec.json.Decoder(Question)


class Webhook(msgspec.Struct, frozen=True):
    """What Flagger says of itself."""

    name: str
    namespace: str


_webhook = msgspec.json.Decoder(Webhook)


class Bench:
    """Judges by name. `new` makes one that has seen nothing."""

    def __init__(self, new: Callable[[], Judge]) -> None:
        self._new = new
        self._spec = new().spec
        self._lock = Lock()
        self._judges: dict[str, Judge] = {}
        self._answers: dict[str, Answer] = {}

    def observe(self, name: str, intervals: list[Interval]) -> Answer:
        """What the judge of this name says after these."""
        with self._lock:
            judge = self._judges.pop(name, None) or self._new()
            self._judges[name] = judge
            for interval in intervals:
                self._answers[name] = answer(interval.at, judge.observe(interval))
            while len(self._judges) > JUDGES_MAX:
                self._forget(next(iter(self._judges)))
            return self._answers.get(name, UNKNOWN)

    def answer(self, name: str) -> Answer:
        """What it said last."""
        return self._answers.get(name, UNKNOWN)

    def arrays(self, question: Question) -> JudgeResult:
        """What Kayenta is answered: it brings all that there is, each time."""
        return judge_arrays(self._spec, question)

    def forget(self, name: str) -> None:
        """The next interval of this name is the first of another release."""
        with self._lock:
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._judges.pop(name, None)
        self._answers.pop(name, None)


class _Handler(BaseHTTPRequestHandler):
    bench: Bench
    timeout = 30

    def do_GET(self) -> None:
        """The verdict of a name."""
        kind, name = self._place()
        if kind == "verdict":
            self._say(HTTPStatus.OK, self.bench.answer(name))
        else:
            self._say(HTTPStatus.NOT_FOUND, {"error": "GET /verdict/NAME"})

    def do_DELETE(self) -> None:
        """Forget a name."""
        self.bench.forget(self._place()[1])
        self._say(HTTPStatus.OK, UNKNOWN)

    def do_POST(self) -> None:
        """Intervals of a name, Flagger's question, or Kayenta's."""
        announced = self.headers.get("content-length") or "0"
        length = (
            int(announced) if announced.isascii() and announced.isdigit() and len(announced) < DIGITS else -1
        )
        if not 0 <= length <= BODY_MAX_BYTES:
            self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": f"at most {BODY_MAX_BYTES} bytes"})
            return
        kind, name = self._place()
        try:
            self._answered(kind, name, self.rfile.read(length))
        except UNREADABLE as error:
            self._say(HTTPStatus.BAD_REQUEST, {"error": why(error)})

    def _answered(self, kind: str, name: str, body: bytes) -> None:
        if kind == "intervals":
            given: Interval | list[Interval] = _one_or_many.decode(body)
            intervals = [given] if isinstance(given, Interval) else given
            found = self.bench.observe(name, intervals)
            self._say(HTTPStatus.OK, found)
        elif kind == "flagger" and (name == BEGIN or name in YES):
            self._flagger(name, _webhook.decode(body))
        elif kind == "judge" and not name:
            self._say(HTTPStatus.OK, self.bench.arrays(_question.decode(body)))
        else:
            self._say(HTTPStatus.NOT_FOUND, {"error": "POST /intervals/NAME, /flagger/HOOK or /judge"})

    def _flagger(self, hook: str, asked: Webhook) -> None:
        name = f"{asked.namespace}.{asked.name}"
        if hook == BEGIN:
            self.bench.forget(name)
        found = self.bench.answer(name)
        yes = hook == BEGIN or found.verdict in YES[hook]
        self._say(HTTPStatus.OK if yes else HTTPStatus.PRECONDITION_FAILED, found)

    def _place(self) -> tuple[str, str]:
        kind, _, name = self.path.partition("?")[0].strip("/").partition("/")
        return kind, name

    def _say(self, status: HTTPStatus, what: object) -> None:
        body = msgspec.json.encode(what)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's signature
        """Say nothing: whoever asks has the answer."""


def server(new: Callable[[], Judge], port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """A server that judges by the judges that `new` makes; `serve_forever` runs it."""
    handler = type("Handler", (_Handler,), {"bench": Bench(new)})
    return ThreadingHTTPServer((host, port), handler)
