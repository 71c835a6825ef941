"""The judge over HTTP, as Argo Rollouts and Flagger ask it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from headgate.core.model.criteria import ErrorRatio
from headgate.judge import ArmCounts, Interval, Judge, JudgeSpec
from headgate.web.judge_server import BODY_MAX_BYTES, JUDGES_MAX, UNDER_WAY_MAX, Bench, serve

Answer = tuple[int, dict[str, Any]]


def new() -> Judge:
    return Judge(JudgeSpec((ErrorRatio(),)))


@pytest.fixture
def place() -> Iterator[str]:
    ports, stops = Queue[int](), Queue[Callable[[], object]]()

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(serve(new, 0, ports.put))
        stops.put(lambda: loop.call_soon_threadsafe(task.cancel))
        await asyncio.gather(task, return_exceptions=True)

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    yield f"http://127.0.0.1:{ports.get(timeout=30)}"
    stops.get()()
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


HOOK = {
    "name": "web",
    "namespace": "shop",
    "phase": "Progressing",
    "metadata": {"test": "all", "token": "16688eb5e9f289f1991c"},
}
"""The payload of Flagger's documentation (docs/gitbook/usage/webhooks.md)."""


def asked(place: str) -> dict[str, int]:
    hooks = ("rollout", "confirm-promotion", "rollback")
    return {hook: ask(place, "POST", f"/flagger/{hook}", HOOK)[0] for hook in hooks}


def test_each_hook_of_flagger_has_its_own_question(place: str) -> None:
    assert asked(place) == {"rollout": 412, "confirm-promotion": 412, "rollback": 412}
    ask(place, "POST", "/intervals/shop.web", interval(1, 0))
    assert asked(place) == {"rollout": 200, "confirm-promotion": 412, "rollback": 412}
    ask(place, "POST", "/intervals/shop.web", [interval(at, 0) for at in range(2, 30)])
    assert asked(place) == {"rollout": 200, "confirm-promotion": 200, "rollback": 412}
    assert ask(place, "POST", "/flagger/confirm-rollout", HOOK)[0] == 200
    ask(place, "POST", "/intervals/shop.web", [interval(at, 20) for at in range(1, 9)])
    assert asked(place) == {"rollout": 412, "confirm-promotion": 412, "rollback": 200}


def test_argo_may_post_the_interval_and_read_the_verdict(place: str) -> None:
    """The web metric's `method: POST` with a `body`; `jsonPath: {$.verdict}` of the answer."""
    answers = [ask(place, "POST", "/intervals/web", interval(at, 20))[1]["verdict"] for at in range(1, 9)]
    assert answers[-1] == "fail"
    assert ask(place, "GET", "/verdict/web")[1]["verdict"] == "fail"


def question(**experiment: Sequence[float | str]) -> dict[str, Any]:
    pairs = [
        {
            "name": name,
            "id": f"id-{name}",
            "tags": {},
            "values": {"control": [10.0] * 20, "experiment": values},
        }
        for name, values in experiment.items()
    ]
    canary = {"canary": {"direction": "increase", "critical": False}}
    metrics = [{"name": name, "groups": ["all"], "analysisConfigurations": canary} for name in experiment]
    return {
        "canaryConfig": {"metrics": metrics, "classifier": {"groupWeights": {"all": 100.0}}},
        "scoreThresholds": {"pass": 95.0, "marginal": 75.0},
        "metricSetPairList": pairs,
    }


def test_kayenta_is_answered_in_its_own_shape(place: str) -> None:
    good, bad, unknown = [10.5] * 20, [30.0] * 20, ["NaN"] * 20
    status, result = ask(place, "POST", "/judge", question(cpu=good, errors=bad))
    assert status == 200
    assert set(result) == {"judgeName", "results", "groupScores", "score"}
    assert [one["classification"] for one in result["results"]] == ["Pass", "High"]
    assert result["results"][1]["controlMetadata"]["stats"]["count"] == 20
    assert (result["score"]["score"], result["score"]["classification"]) == (50.0, "Fail")
    assert ask(place, "POST", "/judge", question(cpu=good))[1]["score"]["classification"] == "Pass"
    in_part = ask(place, "POST", "/judge", question(cpu=good, errors=unknown))[1]
    assert (in_part["score"]["score"], in_part["score"]["classification"]) == (75.0, "Marginal")
    assert ask(place, "POST", "/judge", {"metricSetPairList": 3})[0] == 400


def test_nonsense_is_told(place: str) -> None:
    assert ask(place, "POST", "/intervals/x", {"stable": 3})[0] == 400
    for method in ("GET", "POST", "DELETE"):
        status, said = ask(place, method, "/elsewhere", {} if method == "POST" else None)
        assert (status, list(said)) == (404, ["error"])
    assert ask(place, "POST", "/flagger/elsewhere", HOOK)[0] == 404
    assert ask(place, "GET", "/intervals/x")[0] == 405


def test_a_slash_at_the_end_is_no_other_name(place: str) -> None:
    ask(place, "POST", "/intervals/a/b/", interval(1, 0))
    assert ask(place, "GET", "/verdict/a/b")[1]["verdict"] == "watch"


@pytest.mark.parametrize("body", [b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_is_told(place: str, body: bytes) -> None:
    request = urllib.request.Request(f"{place}/intervals/web", body, method="POST")  # noqa: S310 - our own server
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request, timeout=10):  # noqa: S310
        pass
    with caught.value as answer:
        assert answer.code == 400
        assert json.load(answer)["error"]


def begun(place: str, head: str) -> socket.socket:
    """A connection on which so much of a request was sent."""
    connection = socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2])), timeout=10)
    connection.sendall(f"{head}\r\n\r\n".encode())
    return connection


def status(connection: socket.socket) -> int:
    with connection.makefile("rb") as answer:
        return int(answer.readline().split()[1])


@pytest.mark.parametrize("length", ["x", "-1", "9" * 5000, "\u0661"])
def test_an_odd_length_is_refused(place: str, length: str) -> None:
    with begun(place, f"POST /judge HTTP/1.1\r\nhost: x\r\ncontent-length: {length}") as connection:
        assert status(connection) == 400


def test_a_body_that_is_too_large_is_not_read(place: str) -> None:
    head = "POST /intervals/web HTTP/1.1\r\nhost: x\r\n"
    with begun(place, f"{head}content-length: {BODY_MAX_BYTES + 1}") as connection:
        assert status(connection) == 413
    with begun(place, f"{head}transfer-encoding: chunked") as connection:
        connection.sendall(b"%x\r\n%b\r\n" % (BODY_MAX_BYTES + 1, b"[" * (BODY_MAX_BYTES + 1)))
        assert status(connection) == 413


def test_those_who_send_slowly_keep_no_verdict_from_anybody(place: str) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(UNDER_WAY_MAX):
            slow = begun(place, "POST /judge HTTP/1.1\r\nhost: x\r\ncontent-length: 10")
            held.enter_context(contextlib.closing(slow))
        answer = ask(place, "POST", "/intervals/web", interval(1, 0))
        while answer[0] == 200:  # not all of them are under way yet
            answer = ask(place, "POST", "/intervals/web", interval(1, 0))
        assert answer == (429, {"error": f"at most {UNDER_WAY_MAX} requests at once"})
        assert ask(place, "GET", "/verdict/other")[0] == 200
    while (
        ask(place, "POST", "/intervals/web", interval(1, 0))[0] == 429
    ):  # their ends are not all noticed yet
        pass
    assert ask(place, "POST", "/intervals/web", interval(1, 0))[0] == 200


def test_names_are_bounded() -> None:
    bench = Bench(new)
    for k in range(JUDGES_MAX + 5):
        bench.observe(f"{k}", [Interval(1.0, ArmCounts(10), ArmCounts(10))])
    assert bench.answer("0").verdict == "no_data"
    assert bench.answer(f"{JUDGES_MAX + 4}").at == 1.0
