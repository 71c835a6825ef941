"""New Relic events as counters, by NRQL.

Source: New Relic documentation, "NerdGraph tutorial: Query your data using NRQL"
(https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial): POST /graphql with the header API-Key;
a query that failed is answered 200 with `errors`. `SINCE` and `UNTIL` take milliseconds since the epoch ("NRQL
reference"); they are added here, and `metadata.timeWindow` must say the same.

* A query has one number as its answer: `SELECT count(*) FROM Transaction WHERE appName = '{service}' AND ...`.
* `latency` counts with a condition: `SELECT filter(count(*), WHERE duration <= 0.1) FROM Transaction WHERE ...`.
* `count(*)` of nothing is 0, also for a name that does not exist: `headgate signals test` says so.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.points import count_in, single
from headgate.kit.questions import Questions, named
from headgate.kit.vendor import Vendor, by_headers, web_of
from headgate.kit.windows import WindowedSignals
from headgate.ports.errors import Temporary
from headgate.ports.registry import settings_of
from headgate.ports.wires import Wires

_OURS = re.compile(r"\b(SINCE|UNTIL|TIMESERIES|FACET|COMPARE\s+WITH|WITH\s+TIMEZONE)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'")


class Settings(Questions, frozen=True, kw_only=True):
    """What Questions takes, and: `api_key`, a user key; `account`, the account's number; `url` (the EU has its own).

    The queries leave out SINCE, UNTIL, TIMESERIES and FACET.
    """

    api_key: SecretSource
    account: int
    url: str = "https://api.newrelic.com"
    every_s: float = 30.0
    delay_s: float = 60.0

    def __post_init__(self) -> None:
        """Raises ValueError for a query that says its own time, or has several answers."""
        super().__post_init__()
        for name, query in named(self):
            if found := _OURS.search(_QUOTED.sub("''", query)):
                raise ValueError(
                    f"`{name}`: leave out {found[0].upper()}: the time is added, and one number asked"
                )


class _TimeWindow(msgspec.Struct):
    begin: float | None = None
    end: float | None = None


class _Metadata(msgspec.Struct):
    timeWindow: _TimeWindow | None = None  # noqa: N815 - the API's name


class _Nrql(msgspec.Struct):
    results: list[dict[str, Any]]
    metadata: _Metadata | None = None


class _Actor(msgspec.Struct):
    account: dict[str, _Nrql | None] | None = None


class _Data(msgspec.Struct):
    actor: _Actor | None = None


class _Error(msgspec.Struct):
    message: str


class _Answer(msgspec.Struct):
    data: _Data | None = None
    errors: list[_Error] | None = None


class NewRelic:
    """Counts with one request for all questions."""

    def __init__(self, vendor: Vendor, account: int) -> None:
        self._vendor = vendor
        self._account = account

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        body = msgspec.json.encode(self._request(questions, window))
        answer = self._vendor.shaped(await self._vendor.ask("POST", "/graphql", body=body), _Answer)
        if answer.errors:
            raise self._vendor.complaint("; ".join(error.message for error in answer.errors))
        actor = answer.data.actor if answer.data is not None else None
        if actor is None or actor.account is None:
            raise self._vendor.complaint("no account in the answer: may this key read it?")
        return {
            name: _count(actor.account.get(f"q{n}"), window, f"New Relic, {name}")
            for n, name in enumerate(questions)
        }

    def _request(self, questions: Mapping[str, str], window: Window) -> dict[str, object]:
        span = f"SINCE {window.start * 1000} UNTIL {window.end * 1000}"
        variables = {f"q{n}": f"{query} {span}" for n, query in enumerate(questions.values())}
        asked = " ".join(
            f"{name}: nrql(query: ${name}) {{ results metadata {{ timeWindow {{ begin end }} }} }}"
            for name in variables
        )
        takes = ", ".join(f"${name}: Nrql!" for name in variables)
        query = f"query($account: Int!, {takes}) {{ actor {{ account(id: $account) {{ {asked} }} }} }}"
        return {"query": query, "variables": {"account": self._account, **variables}}


def _count(found: _Nrql | None, window: Window, what: str) -> float | None:
    if found is None:
        return None
    span = found.metadata.timeWindow if found.metadata is not None else None
    if span is not None and (span.begin, span.end) != (window.start * 1000, window.end * 1000):
        raise Temporary(f"{what}: answered for another time than asked")
    if any(len(row) != 1 for row in found.results):
        raise Temporary(f"{what}: the answer must be one number, as of `SELECT count(*)`")
    return single([count_in(value, what) for row in found.results for value in row.values()], what)


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    log_in = by_headers({"api-key": settings.api_key})
    vendor = Vendor("New Relic", web_of(wires), settings.url, settings.timeout_s, log_in)
    return WindowedSignals("New Relic", NewRelic(vendor, settings.account), settings, wires.now)
