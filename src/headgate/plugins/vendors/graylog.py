"""Messages in Graylog as counters, and their new kinds of errors.

Source: Graylog's REST API (its API browser, "Search/Views"), POST /api/views/search/sync with an absolute time range
(its end not included) and a search of type `messages` for each question, which answers `total_results` and the newest
messages; header X-Requested-By. A token is the user of a basic authentication whose password is `token` ("REST API",
https://go2docs.graylog.org/current/setting_up_graylog/rest_api.html). The newer "Search Scripting API" has no count
without a field to group by, and only the first groups of that: it cannot count all.

* A query is Graylog's search language: `version:{version} AND http_response_code:>=500`.
* `latency` counts with a range: `version:{version} AND took_ms:<=100`.
* A count of nothing is 0, also for a field that does not exist: `headgate signals test` says so.
* `error_lines` finds the messages of errors: they become the mean `new_errors` (see kit.novelty).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.novelty import Lines
from headgate.kit.points import count_in
from headgate.kit.questions import LogQuestions
from headgate.kit.vendor import JSON, LogIn, Login, Vendor, basic, by_token_or_password, web_of
from headgate.kit.windows import ErrorLines, WindowedSignals
from headgate.ports.errors import Temporary
from headgate.ports.registry import settings_of
from headgate.ports.secrets import read_secret
from headgate.ports.wires import Wires

HEADERS = {**JSON, "x-requested-by": "headgate"}


class Settings(LogQuestions, frozen=True, kw_only=True):
    """What LogQuestions takes, and: `token`, an access token, or `user` and `password`; `streams`, their ids.

    Messages can be read about a second after they were indexed.
    """

    token: SecretSource | None = None
    user: str = ""
    password: SecretSource | None = None
    streams: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where nobody asks."""
        super().__post_init__()
        if self.token is None and self.password is None:
            raise ValueError("say `token`, or `user` and `password`: Graylog answers nobody else")


class _Message(msgspec.Struct):
    message: dict[str, Any]


class _Found(msgspec.Struct):
    total_results: int
    messages: list[_Message] = []


class _Error(msgspec.Struct):
    description: str = ""


class _Result(msgspec.Struct):
    search_types: dict[str, _Found]
    errors: list[_Error] = []


class _Execution(msgspec.Struct):
    done: bool
    cancelled: bool = False
    completed_exceptionally: bool = False


class _Answer(msgspec.Struct):
    execution: _Execution
    results: dict[str, _Result]
    errors: list[_Error] = []


class Graylog:
    """Counts with one request for all questions, and reads messages with another."""

    def __init__(self, vendor: Vendor, settings: Settings) -> None:
        self._vendor = vendor
        self._settings = settings

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        found = await self._search(list(questions.values()), window, 1)
        return {
            name: count_in(one.total_results, f"Graylog, {name}")
            for name, one in zip(questions, found, strict=True)
        }

    async def lines(self, query: str, window: Window, most: int) -> Lines:
        """See kit.novelty.Reader."""
        found = (await self._search([query], window, most))[0]
        texts = tuple(str(one.message.get("message", "")) for one in found.messages)
        return Lines(float(found.total_results), texts[:most])

    async def _search(self, queries: list[str], window: Window, most: int) -> list[_Found]:
        content = {"queries": [self._query(n, query, window, most) for n, query in enumerate(queries)]}
        asked = await self._vendor.ask(
            "POST",
            "/api/views/search/sync",
            params={"timeout": str(int(self._settings.timeout_s * 1000))},
            headers=HEADERS,
            body=msgspec.json.encode(content),
        )
        answer = self._vendor.shaped(asked, _Answer)
        wrong = [*answer.errors, *(error for result in answer.results.values() for error in result.errors)]
        if wrong:
            raise self._vendor.complaint("; ".join(error.description for error in wrong))
        ran = answer.execution
        if not ran.done or ran.cancelled or ran.completed_exceptionally:
            raise Temporary("Graylog did not finish the search in time")
        try:
            return [answer.results[f"q{n}"].search_types["lines"] for n in range(len(queries))]
        except KeyError:
            raise Temporary("Graylog answered other questions than were asked") from None

    def _query(self, n: int, query: str, window: Window, most: int) -> dict[str, object]:
        newest = [{"field": "timestamp", "order": "DESC"}]
        asked: dict[str, object] = {
            "id": f"q{n}",
            "query": {"type": "elasticsearch", "query_string": query},
            "timerange": {"type": "absolute", "from": _iso(window.start), "to": _iso(window.end)},
            "search_types": [{"id": "lines", "type": "messages", "limit": most, "offset": 0, "sort": newest}],
        }
        if self._settings.streams:
            streams = [{"type": "stream", "id": stream} for stream in self._settings.streams]
            asked["filter"] = {"type": "or", "filters": streams}
        return asked


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _by_token(source: SecretSource) -> LogIn:
    def log_in() -> Login:
        token = read_secret(source)
        return basic(token, "token", (token,))

    return log_in


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    log_in = (
        _by_token(settings.token)
        if settings.token is not None
        else by_token_or_password(None, settings.user, settings.password)
    )
    source = Graylog(Vendor("Graylog", web_of(wires), settings.url, settings.timeout_s, log_in), settings)
    error_lines = ErrorLines(source, settings.error_lines) if settings.error_lines else None
    return WindowedSignals("Graylog", source, settings, wires.now, error_lines)
