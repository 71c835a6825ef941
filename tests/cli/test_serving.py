"""The judge over HTTP, as Argo Rollouts and Flagger ask it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from headgate.cli.serving import JUDGES_MAX, Bench, server
from headgate.judge import ArmCounts, Interval, Judge, JudgeSpec

Answer = tuple[int, dict[str, Any]]


def new() -> Judge:
    return Judge(JudgeSpec(latency=()))


@pytest.fixture
def place() -> Iterator[str]:
    with server(new, 0) as serving:
        thread = Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def ask(place: str, method: str, path: str, body: object = None) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{place}{path}", data, method=method)  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def interval(at: int, errors: int) -> dict[str, Any]:
    return {"at": at, "stable": {"requests": 900, "errors": 1}, "canary": {"requests": 100, "errors": errors}}


def test_a_bad_canary_is_stopped(place: str) -> None:
    status, first = ask(place, "POST", "/intervals/shop.web", interval(1, 0))
    assert (status, first["at"]) == (200, 1.0)
    assert (
        ask(place, "POST", "/flagger", {"namespace": "shop", "name": "web", "phase": "Progressing"})[0] == 200
    )
    many = [interval(at, 20) for at in range(2, 8)]
    assert ask(place, "POST", "/intervals/shop.web", many)[1]["verdict"] == "fail"
    assert ask(place, "GET", "/verdict/shop.web")[1]["verdict"] == "fail"
    assert ask(place, "POST", "/flagger", {"namespace": "shop", "name": "web"})[0] == 412
    ask(place, "DELETE", "/verdict/shop.web")
    assert ask(place, "GET", "/verdict/shop.web")[1]["verdict"] == "no_data"


def test_nonsense_is_told(place: str) -> None:
    assert ask(place, "POST", "/intervals/x", {"stable": 3})[0] == 400
    assert ask(place, "GET", "/elsewhere")[0] == 404
    assert ask(place, "POST", "/elsewhere", {})[0] == 404


def test_names_are_bounded() -> None:
    bench = Bench(new)
    for k in range(JUDGES_MAX + 5):
        bench.observe(f"{k}", [Interval(1.0, ArmCounts(10), ArmCounts(10))])
    assert bench.answer("0").verdict == "no_data"
    assert bench.answer(f"{JUDGES_MAX + 4}").at == 1.0
