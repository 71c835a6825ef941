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

Bounded as the front door is (`web.http.connections`); what is refused is `{"error": ...}`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from threading import Lock

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.judge import Answer, Interval, Judge, VerdictKind, answer
from headgate.judge.kayenta import JudgeResult, Question, judge_arrays
from headgate.ports.errors import UNREADABLE, why
from headgate.web.doors.dispatch import read_body
from headgate.web.http.problems import Problem
from headgate.web.http.serve import serving, tcp_listener

JUDGES_MAX = 1000
"""Names that are kept; the one that was heard of least lately goes first."""
BODY_MAX_BYTES = 8 * 1024 * 1024
UNDER_WAY_MAX = 32
"""So many bodies are read or judged at once: each may be of BODY_MAX_BYTES."""

YES: dict[str, tuple[VerdictKind, ...]] = {
    "": ("watch", "pass"),
    "rollout": ("watch", "pass"),
    "confirm-promotion": ("pass",),
    "rollback": ("fail",),
}
"""The verdicts that are a yes to each of Flagger's questions."""
BEGIN = "confirm-rollout"
PLACES = "there are POST /intervals/NAME, GET and DELETE /verdict/NAME, POST /flagger/HOOK and POST /judge"
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


class Desk:
    """What is answered to each request. What takes long is done in threads, so that verdicts are given meanwhile."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._under_way = 0

    def routes(self) -> list[Route]:
        """All that there is to ask."""
        return [
            Route("/verdict/{name:path}", self._verdict, methods=["GET"]),
            Route("/verdict/{name:path}", self._forget, methods=["DELETE"]),
            Route("/intervals/{name:path}", self._posted(self.intervals), methods=["POST"]),
            Route("/flagger", self._posted(self.flagger), methods=["POST"]),
            Route("/flagger/{name:path}", self._posted(self.flagger), methods=["POST"]),
            Route("/judge", self._posted(self.arrays), methods=["POST"]),
        ]

    def intervals(self, name: str, body: bytes) -> Response:
        """The verdict after one interval more, or several."""
        given: Interval | list[Interval] = _one_or_many.decode(body)
        return _json(self._bench.observe(name, [given] if isinstance(given, Interval) else given))

    def flagger(self, hook: str, body: bytes) -> Response:
        """Yes or no to the question of a webhook."""
        if hook != BEGIN and hook not in YES:
            return _error(HTTPStatus.NOT_FOUND, PLACES)
        asked = _webhook.decode(body)
        name = f"{asked.namespace}.{asked.name}"
        if hook == BEGIN:
            self._bench.forget(name)
        found = self._bench.answer(name)
        yes = hook == BEGIN or found.verdict in YES[hook]
        return _json(found, HTTPStatus.OK if yes else HTTPStatus.PRECONDITION_FAILED)

    def arrays(self, _name: str, body: bytes) -> Response:
        """Kayenta's result."""
        return _json(self._bench.arrays(_question.decode(body)))

    async def _verdict(self, request: Request) -> Response:
        return _json(self._bench.answer(_name(request)))

    async def _forget(self, request: Request) -> Response:
        await asyncio.to_thread(self._bench.forget, _name(request))
        return _json(UNKNOWN)

    def _posted(self, work: Callable[[str, bytes], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            if self._under_way >= UNDER_WAY_MAX:
                return _error(HTTPStatus.TOO_MANY_REQUESTS, f"at most {UNDER_WAY_MAX} requests at once")
            self._under_way += 1
            try:
                body = await read_body(request, BODY_MAX_BYTES)
                return await asyncio.to_thread(work, _name(request), body)
            except UNREADABLE as error:
                return _error(HTTPStatus.BAD_REQUEST, why(error))
            finally:
                self._under_way -= 1

        return serve


def _name(request: Request) -> str:
    return str(request.path_params.get("name", "")).strip("/")


def _json(what: object, status: int = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(what), status, media_type="application/json")


def _error(status: int, what: str) -> Response:
    return _json({"error": what}, status)


async def _refused(_request: Request, error: Exception) -> Response:
    """What a body of the wrong size or pace is answered, and what is asked at no place or in no way that there is."""
    if isinstance(error, Problem):
        return _error(error.document.status, error.document.detail)
    return _error(error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND, PLACES)


def application(new: Callable[[], Judge]) -> Starlette:
    """Judges by the judges that `new` makes."""
    refusals = {Problem: _refused, HTTPException: _refused}
    return Starlette(routes=Desk(Bench(new)).routes(), exception_handlers=refusals)


async def serve(
    new: Callable[[], Judge], port: int, opened: Callable[[int], None], host: str = "127.0.0.1"
) -> None:
    """Judge on `port` (0: any free one) until this is cancelled; `opened` is told which. Raises OSError."""
    with contextlib.closing(tcp_listener(host, port)) as listener:
        async with serving(application(new), listener):
            opened(listener.getsockname()[1])
            await asyncio.Event().wait()
