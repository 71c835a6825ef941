"""Counters from a JSON endpoint, over real HTTP."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.model import Mean, SecretSource, Unit, Version
from headgate.kit.vendor import anonymous
from headgate.plugins.signals.http_json import HttpJsonSignals, Settings, create
from headgate.plugins.web.client import HttpWeb
from headgate.ports import Permanent, PortError, Temporary
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.fakes.web import MemoryWeb
from headgate.testing.signals import Measured, SignalsContract
from headgate.testing.web import http_server

UNIT = Unit("shop", "production", "web")
OLD, NEW = (Version(UNIT, letter * 64, "0" * 64) for letter in "ab")
BODY = {"requests": 7, "errors": 2, "orders": [{"done": 3, "begun": 5}]}
ALL = {
    "url": "{origin}/stats?version={version}",
    "requests": "$.requests",
    "errors": "$.errors",
    "means": {"orders": {"good": "$.orders[0].done", "total": "$.orders[0].begun"}},
}


def answering(document: object) -> Callable[[Request], Answer]:
    return lambda _: Answer(200, {}, json.dumps(document).encode())


def play(
    script: Callable[[Request], Answer],
    scenario: Callable[[HttpJsonSignals], Awaitable[None]],
    settings: Mapping[str, Any] = ALL,
) -> None:
    async def played() -> None:
        async with http_server(script) as origin:
            web = HttpWeb()
            given = dict(settings) | {"url": settings["url"].replace("{origin}", origin)}
            unused: Any = None
            wires = Wires(Path(), unused, unused, unused, settings=given, web=web)
            try:
                await scenario(create(wires))
            finally:
                await web.aclose()

    asyncio.run(played())


class Endpoint:
    """Counts, by version, as a service of one's own would show them."""

    versions = (OLD, NEW)

    def __init__(self) -> None:
        self._counts = {one.key: [0, 0] for one in self.versions}
        settings = Settings(url="https://stats.example/{version}", requests="$.all", errors="$.bad")
        self.signals = HttpJsonSignals(MemoryWeb(self._answer), settings, anonymous)

    def _answer(self, request: Request) -> Answer:
        found = self._counts.get(request.url.rpartition("/")[2])
        return Answer(200, {}, json.dumps({"all": found[0], "bad": found[1]} if found else {}).encode())

    async def requests(self, version: Version, good: int, bad: int) -> None:
        counts = self._counts[version.key]
        counts[0], counts[1] = counts[0] + good + bad, counts[1] + bad


class TestContract(SignalsContract):
    def measured(self) -> contextlib.AbstractAsyncContextManager[Measured]:
        return contextlib.nullcontext(Endpoint())


def test_every_number_is_read_where_its_path_says() -> None:
    asked: list[Request] = []

    def script(request: Request) -> Answer:
        asked.append(request)
        return answering(BODY)(request)

    async def scenario(signals: HttpJsonSignals) -> None:
        arm = await signals.read(OLD)
        assert (arm.requests, arm.errors, arm.means) == (7, 2, {"orders": Mean(3.0, 5)})
        looks = await signals.inspect(OLD)
        assert [(look.answer, look.problem) for look in looks] == [("7", ""), ("2", ""), ("3", ""), ("5", "")]

    play(script, scenario)
    assert {request.url.partition("/stats")[2] for request in asked} == {f"?version={OLD.key}"}
    assert len(asked) == 2


def test_one_answer_may_hold_every_version() -> None:
    async def scenario(signals: HttpJsonSignals) -> None:
        assert [(await signals.read(one)).requests for one in (OLD, NEW)] == [4, 9]

    play(
        answering({OLD.key: {"n": 4}, NEW.key: {"n": 9}}),
        scenario,
        {"url": "{origin}/", "requests": "$['{version}'].n"},
    )


def test_a_question_may_be_posted() -> None:
    def script(request: Request) -> Answer:
        assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
        assert request.headers["x-tenant"] == "shop"
        assert json.loads(request.body) == {"service": "web", "env": "production", "digest": "a" * 64}
        return Answer(200, {}, b'{"n": 1}')

    async def scenario(signals: HttpJsonSignals) -> None:
        assert (await signals.read(OLD)).requests == 1

    settings = {
        "url": "{origin}/query",
        "method": "POST",
        "headers": {"x-tenant": "shop"},
        "body": '{"service": "{service}", "env": "{environment}", "digest": "{artifact}"}',
        "requests": "$.n",
    }
    play(script, scenario, settings)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"requests": None}, "`requests`: the answer has no number there, only null"),
        ({"requests": "NaN"}, "no number there"),
        ({"requests": -1}, "is no count"),
        ({"requests": True}, "is no count"),
        ({"requests": 7.5}, "7.5 is no whole number"),
        ({"requests": [7]}, "is no count"),
        ({"requests": 1}, r"more errors \(2\) than requests \(1\)"),
        ({"orders": []}, r"nothing at \$.orders\[0\] in the answer: is the path right\?"),
        ({"orders": [{"done": 6, "begun": 5}]}, r"more good cases \(6\) than cases \(5\)"),
    ],
)
def test_what_is_no_counter_is_unknown(change: dict[str, object], problem: str) -> None:
    async def scenario(signals: HttpJsonSignals) -> None:
        with pytest.raises(Temporary, match=problem):
            await signals.read(OLD)

    play(answering(BODY | change), scenario)


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"[" * 100_000, b"\xff", b'{"requests": 1e999}'])
def test_an_answer_that_is_no_json_is_unknown(body: bytes) -> None:
    async def scenario(signals: HttpJsonSignals) -> None:
        with pytest.raises(Temporary):
            await signals.read(OLD)

    play(lambda _: Answer(200, {}, body), scenario)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)
)
def test_whatever_stands_there_is_a_count_or_unknown(value: object) -> None:
    web = MemoryWeb(answering({"n": value}))
    signals = HttpJsonSignals(web, Settings(url="https://x.example/{version}", requests="$.n"), anonymous)
    with contextlib.suppress(Temporary):
        assert asyncio.run(signals.read(OLD)).requests >= 0


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Permanent), (404, Permanent), (429, Temporary), (503, Temporary)]
)
def test_a_refusal_is_told_without_any_secret(
    status: int, kind: type[PortError], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STATS_TOKEN", "t0ken-planted")
    (tmp_path / "key").write_text("k3y-planted\n")
    seen: list[Mapping[str, str]] = []

    def script(request: Request) -> Answer:
        seen.append(request.headers)
        return Answer(status, {}, json.dumps(dict(request.headers)).encode())

    async def scenario(signals: HttpJsonSignals) -> None:
        with pytest.raises(kind) as refused:
            await signals.read(OLD)
        (look,) = await signals.inspect(OLD)
        assert "planted" not in f"{refused.value!r} {look!r}"
        assert str(status) in str(refused.value)

    secrets = {
        "token": msgspec.to_builtins(SecretSource("env", "STATS_TOKEN")),
        "secret_headers": {"x-key": msgspec.to_builtins(SecretSource("file", str(tmp_path / "key")))},
    }
    play(script, scenario, ALL | secrets)
    assert (seen[0]["authorization"], seen[0]["x-key"]) == ("Bearer t0ken-planted", "k3y-planted")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"requests": "$.n"}, "`requests` reads the same for every version"),
        ({"url": "https://x/{version}"}, "nothing to read"),
        ({"url": "ftp://x/{version}", "requests": "$.n"}, "`url` begins with https"),
        (
            {"url": "https://x/{version}", "errors": "$.n", "means": {"a": {"good": "$", "total": "$"}}},
            "needs `requests`",
        ),
        ({"url": "https://x/{version}", "requests": "$.n", "body": "x"}, "a GET has no body"),
        ({"url": "https://x/{version}", "requests": "$.n", "headers": {"a": "b\r\nc: d"}}, "headers"),
    ],
)
def test_settings_that_are_wrong_together(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=problem):
        msgspec.convert({"url": "https://x/"} | settings, Settings)


def test_a_path_that_is_none_says_so() -> None:
    async def scenario(signals: HttpJsonSignals) -> None:
        with pytest.raises(Permanent, match="no JSON path"):
            await signals.read(OLD)

    play(answering(BODY), scenario, {"url": "{origin}/{version}", "requests": "requests"})
