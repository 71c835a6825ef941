"""Log lines in Elasticsearch or OpenSearch as counters, and their new kinds of errors.

Sources: Elasticsearch documentation, "Search API" (POST /<index>/_search: `timed_out`, `_shards`), "Filters
aggregation" (a bucket with `doc_count` for each named filter), "Query string query", and OpenSearch's pages of the same
names, which answer alike.

* A query is a query string (`service.version:{version} AND http.response.status_code:[500 TO 599]`).
* `latency` counts with a range: `service.version:{version} AND event.duration:<=100000000`.
* A count of nothing is 0, also for a field that does not exist: `headgate signals test` says so.
* `error_lines` finds the lines of errors: they become the mean `new_errors` (see kit.novelty).
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.novelty import Lines
from headgate.kit.points import count_in
from headgate.kit.questions import LogQuestions
from headgate.kit.vendor import Vendor, by_headers, by_token_or_password, web_of
from headgate.kit.windows import ErrorLines, WindowedSignals
from headgate.ports.errors import Temporary
from headgate.ports.registry import settings_of
from headgate.ports.wires import Wires


class Settings(LogQuestions, frozen=True, kw_only=True):
    """What LogQuestions takes, and: `index`, a name or a pattern; `api_key`, or `user` and `password`.

    `time_field` and `message_field` are where a line's time and its text are. An index is refreshed every second, or
    as its settings say; shippers need longer.
    """

    index: str
    api_key: SecretSource | None = None
    user: str = ""
    password: SecretSource | None = None
    time_field: str = "@timestamp"
    message_field: str = "message"

    def __post_init__(self) -> None:
        """Raises ValueError for an index that is none."""
        super().__post_init__()
        if not self.index or set(self.index) & set('/?#"<>| '):
            raise ValueError("`index` is the name of an index or a pattern of names, as `logs-shop-*`")


class _Shards(msgspec.Struct):
    total: int
    failed: int = 0


class _Bucket(msgspec.Struct):
    doc_count: int


class _Buckets(msgspec.Struct):
    buckets: dict[str, _Bucket]


class _Aggregations(msgspec.Struct):
    counts: _Buckets


class _Total(msgspec.Struct):
    value: int


class _Hit(msgspec.Struct):
    source: dict[str, Any] = msgspec.field(default_factory=dict[str, Any], name="_source")


class _Hits(msgspec.Struct):
    hits: list[_Hit] = []
    total: _Total | None = None


class _Answer(msgspec.Struct):
    timed_out: bool
    shards: _Shards = msgspec.field(name="_shards")
    hits: _Hits = msgspec.field(default_factory=_Hits)
    aggregations: _Aggregations | None = None


class Elasticsearch:
    """Counts with one request for all questions, and reads lines with another."""

    def __init__(self, vendor: Vendor, settings: Settings) -> None:
        self._vendor = vendor
        self._settings = settings

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        filters = {name: _query_string(query) for name, query in questions.items()}
        content = {
            "size": 0,
            "track_total_hits": False,
            "query": self._within(window),
            "aggs": {"counts": {"filters": {"filters": filters}}},
        }
        answer = await self._search(content)
        buckets = answer.aggregations.counts.buckets if answer.aggregations is not None else {}
        if buckets.keys() != questions.keys():
            raise Temporary("Elasticsearch answered other questions than were asked")
        return {name: count_in(buckets[name].doc_count, f"Elasticsearch, {name}") for name in questions}

    async def lines(self, query: str, window: Window, most: int) -> Lines:
        """See kit.novelty.Reader."""
        field = self._settings.message_field
        content = {
            "size": most,
            "track_total_hits": True,
            "query": {"bool": {"filter": [self._within(window), _query_string(query)]}},
            "sort": [{self._settings.time_field: "desc"}],
            "_source": [field],
        }
        hits = (await self._search(content)).hits
        if hits.total is None:
            raise Temporary("Elasticsearch answered lines without their total")
        texts = tuple(_text(hit.source, field) for hit in hits.hits)
        return Lines(float(hits.total.value), texts[:most])

    def _within(self, window: Window) -> dict[str, object]:
        span = {"gte": window.start * 1000, "lt": window.end * 1000, "format": "epoch_millis"}
        return {"range": {self._settings.time_field: span}}

    async def _search(self, content: object) -> _Answer:
        body = msgspec.json.encode(content)
        asked = await self._vendor.ask("POST", f"/{self._settings.index}/_search", body=body)
        answer = self._vendor.shaped(asked, _Answer)
        if not answer.shards.total:
            raise Temporary(f"Elasticsearch has no index {self._settings.index!r}")
        if answer.timed_out or answer.shards.failed:
            raise Temporary(
                f"Elasticsearch answered in part only: {answer.shards.failed} of {answer.shards.total} shards failed"
                + (", and it ran out of time" if answer.timed_out else "")
            )
        return answer


def _query_string(query: str) -> dict[str, object]:
    return {"query_string": {"query": query, "analyze_wildcard": True}}


def _text(source: dict[str, Any], field: str) -> str:
    """The text of a line: `field` as one key, or as a path."""
    if field in source:
        return str(source[field])
    found: Any = source
    for part in field.split("."):
        found = cast("dict[str, Any]", found).get(part, "") if isinstance(found, dict) else ""
    return str(found)


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    key = settings.api_key
    log_in = (
        by_headers({"authorization": key}, "ApiKey ")
        if key is not None
        else by_token_or_password(None, settings.user, settings.password)
    )
    source = Elasticsearch(
        Vendor("Elasticsearch", web_of(wires), settings.url, settings.timeout_s, log_in), settings
    )
    error_lines = ErrorLines(source, settings.error_lines) if settings.error_lines else None
    return WindowedSignals("Elasticsearch", source, settings, wires.now, error_lines)
