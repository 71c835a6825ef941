"""InfluxDB points as counters.

Sources: InfluxData documentation. v1, "InfluxDB API reference", GET /query (docs.influxdata.com/influxdb/v1/tools/api):
an answer holds results of its statements, and one that failed has `error` in a 200. v2, "Query with the InfluxDB
API", POST /api/v2/query (docs.influxdata.com/influxdb/v2/query-data/execute-queries/influx-api): Flux, answered in
annotated CSV. v3, "Query data", POST /api/v3/query_sql (docs.influxdata.com/influxdb3/core/api): SQL, rows in JSON.

Every query says {time} where its time belongs, and has one number as its answer:

* v1: `SELECT sum("count") FROM "requests" WHERE "version" = '{version}' AND {time}`
* v2: `from(bucket: "shop") |> {time} |> filter(fn: (r) => r.version == "{version}") |> group() |> sum()`
* v3: `SELECT sum(count) FROM requests WHERE version = '{version}' AND {time}`

`latency` counts with a condition (`... AND "duration_ms" <= 100 AND {time}`).
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.points import count_in, single, summed
from headgate.kit.questions import Questions, named
from headgate.kit.vendor import JSON, Vendor, by_token_or_password, each, web_of
from headgate.kit.windows import Counting, WindowedSignals
from headgate.ports.errors import Temporary
from headgate.ports.registry import settings_of
from headgate.ports.wires import Wires

TIME = "{time}"


class Settings(Questions, frozen=True, kw_only=True):
    """What Questions takes, and: `api`, which of the three; `database` (v1, v3), `organization` (v2).

    `user` and `password` (v1) or `token` (v2, v3) where it asks for them.
    """

    api: Literal["v1", "v2", "v3"] = "v2"
    database: str = ""
    organization: str = ""
    token: SecretSource | None = None
    user: str = ""
    password: SecretSource | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a query without {time}, and where the database is not named."""
        super().__post_init__()
        for name, query in named(self):
            if TIME not in query:
                raise ValueError(f"`{name}`: write {TIME} where the query's time belongs")
            if self.api == "v1" and ";" in query:
                raise ValueError(f"`{name}`: one statement, without `;`")
        if not (self.organization if self.api == "v2" else self.database):
            raise ValueError("name the `organization` (v2) or the `database` (v1, v3)")


class _Series(msgspec.Struct):
    columns: list[str]
    values: list[list[float | str | None]]


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str = ""
    partial: bool = False


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


class InfluxQl:
    """v1: one request for each question, for of several statements a failure has no reason but "not executed"."""

    def __init__(self, vendor: Vendor, database: str) -> None:
        self._vendor = vendor
        self._database = database

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        return await each(partial(self._one, window), questions)

    async def _one(self, window: Window, name: str, query: str) -> float | None:
        span = f"time >= {window.start}s AND time < {window.end}s"
        params = {"db": self._database, "epoch": "s", "q": query.replace(TIME, span)}
        asked = await self._vendor.ask("GET", "/query", params=params, headers={"accept": "application/json"})
        answer = self._vendor.shaped(asked, _Answer)
        wrong = [one for one in (answer.error, *(result.error for result in answer.results)) if one]
        if wrong:
            raise self._vendor.complaint("; ".join(wrong))
        if len(answer.results) != 1 or answer.results[0].partial:
            raise Temporary(f"InfluxDB, {name}: a part of the answer only")
        return _sum(answer.results[0], window, f"InfluxDB, {name}")


def _sum(result: _Result, window: Window, what: str) -> float | None:
    if any(len(row) != 2 for one in result.series for row in one.values):  # noqa: PLR2004 - its time and its value
        raise Temporary(f"{what}: the answer must be one number, as of `SELECT sum(...)`")
    points = [[(count_in(at, what) or 0.0, value) for at, value in one.values] for one in result.series]
    return single([summed(one, window, what) for one in points], what)


class Flux:
    """v2: one request for each question."""

    def __init__(self, vendor: Vendor, organization: str) -> None:
        self._vendor = vendor
        self._organization = organization

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        return await each(partial(self._one, window), questions)

    async def _one(self, window: Window, name: str, query: str) -> float | None:
        script = query.replace(TIME, f"range(start: {window.start}, stop: {window.end})")
        answer = await self._vendor.ask(
            "POST",
            "/api/v2/query",
            params={"org": self._organization},
            headers={"content-type": "application/vnd.flux", "accept": "application/csv"},
            body=script.encode(),
        )
        return _one_row(_csv_rows(self._vendor, answer.body), f"InfluxDB, {name}")


def _csv_rows(vendor: Vendor, body: bytes) -> list[object]:
    """The column `_value` of every row. A table of errors has the columns `error` and `reference` instead."""
    text = body.decode(errors="replace")
    if text and not text.endswith("\n"):
        raise Temporary("InfluxDB's answer broke off")
    header: list[str] = []
    values: list[object] = []
    for row in _rows(text):
        if not row or row[0].startswith("#"):
            header = []
        elif not header:
            header = row
        elif "error" in header:
            raise vendor.complaint(row[header.index("error")])
        elif "_value" not in header or len(row) != len(header):
            raise Temporary("InfluxDB answered in another shape: a row without `_value`")
        else:
            values.append(row[header.index("_value")] or None)
    return values


def _rows(text: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text))
    except csv.Error as error:
        raise Temporary(f"InfluxDB answered what is no CSV: {error}") from None


class Sql:
    """v3: one request for each question."""

    def __init__(self, vendor: Vendor, database: str) -> None:
        self._vendor = vendor
        self._database = database

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        return await each(partial(self._one, window), questions)

    async def _one(self, window: Window, name: str, query: str) -> float | None:
        span = f"time >= '{_rfc3339(window.start)}' AND time < '{_rfc3339(window.end)}'"
        content = {"db": self._database, "q": query.replace(TIME, span), "format": "json"}
        body = msgspec.json.encode(content)
        answer = await self._vendor.ask("POST", "/api/v3/query_sql", headers=JSON, body=body)
        rows = self._vendor.shaped(answer, list[dict[str, float | None]])
        if any(len(row) > 1 for row in rows):
            raise Temporary(f"InfluxDB, {name}: the answer must be one number, as of `SELECT sum(...)`")
        return _one_row([next(iter(row.values()), None) for row in rows], f"InfluxDB, {name}")


def _one_row(values: list[object], what: str) -> float | None:
    return single([count_in(value, what) for value in values], what)


def _rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    prefix = "Token " if settings.api == "v2" else "Bearer "
    log_in = by_token_or_password(settings.token, settings.user, settings.password, prefix)
    vendor = Vendor("InfluxDB", web_of(wires), settings.url, settings.timeout_s, log_in)
    sources: dict[str, Counting] = {
        "v1": InfluxQl(vendor, settings.database),
        "v2": Flux(vendor, settings.organization),
        "v3": Sql(vendor, settings.database),
    }
    return WindowedSignals("InfluxDB", sources[settings.api], settings, wires.now)
