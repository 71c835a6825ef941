"""A run: bounded, open-loop, honest about what went wrong."""

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest

from headgate.lab.load import Choice, Journey, Load, Results, Step, Window, run
from headgate.lab.load.results import UNANSWERED, UNNAMED
from tests.load.scripted import Talk, answering, reply, saying, serving, take_request

PAGE = Journey(
    name="get", steps=(Step(name="page", path="/{n}"),), choices=(Choice("n", tuple(range(1000))),)
)


BASE = Load(
    url="http://127.0.0.1:1",
    rate_per_s=500.0,
    duration_s=10.0,
    count_max=50,
    concurrency_max=50,
    journeys=(PAGE,),
)


def load_of(**changes: object) -> Load:
    return msgspec.structs.replace(BASE, **changes)


def send(talk: Talk, on_result: Callable[[Window], None] | None = None, **changes: object) -> Results:
    async def scenario() -> Results:
        async with serving(talk) as url:
            return await run(load_of(url=url, **changes), on_result)

    return asyncio.run(scenario())


async def fine(_head: str, _body: bytes) -> bytes:
    return reply(200, b"{}", "x-shop-version: v1")


# --- bounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate_per_s", 0),
        ("rate_per_s", float("nan")),
        ("rate_per_s", 1e6),
        ("duration_s", 0),
        ("duration_s", 1e6),
        ("count_max", 0),
        ("count_max", 10**9),
        ("concurrency_max", 0),
        ("concurrency_max", 10**5),
        ("timeout_s", 0),
        ("every_s", 0.01),
        ("every_s", float("nan")),
        ("journeys", ()),
        ("journeys", (PAGE, PAGE)),
    ],
)
def test_a_load_without_bounds_cannot_be_made(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        load_of(**{name: value})


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ValueError, match=r"rate_per_s .*; count_max .*"):
        load_of(rate_per_s=-1, count_max=0)


def test_exactly_the_count_is_sent() -> None:
    seen: list[str] = []

    async def answer(head: str, body: bytes) -> bytes:
        seen.append(head.split(" ")[1])
        return await fine(head, body)

    results = send(answering(answer), count_max=37)
    assert len(seen) == 37
    assert results.ended == "count"
    assert results.total.counts.requests == results.total.journeys["get"].completed == 37
    assert results.total.counts.bad == results.total.counts.refused == results.not_started == 0
    assert results.total.versions["v1"].requests == 37


def test_it_ends_with_the_duration() -> None:
    began = time.monotonic()
    results = send(answering(fine), rate_per_s=100.0, duration_s=0.3, count_max=10**5)
    assert results.ended == "duration"
    assert 0.3 <= results.total.to_s <= time.monotonic() - began
    assert results.total.counts.requests + results.not_started > 10


def test_the_same_seed_sends_the_same_requests() -> None:
    async def sent(seed: int) -> list[str]:
        seen: list[str] = []

        async def answer(head: str, body: bytes) -> bytes:
            seen.append(head.split(" ")[1])
            return await fine(head, body)

        async with serving(answering(answer)) as url:
            await run(load_of(url=url, seed=seed))
        return sorted(seen)

    assert asyncio.run(sent(1)) == asyncio.run(sent(1))
    assert asyncio.run(sent(1)) != asyncio.run(sent(2))


def test_never_more_under_way_than_the_concurrency() -> None:
    under_way, most = 0, 0

    async def answer(head: str, body: bytes) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return await fine(head, body)

    results = send(answering(answer), concurrency_max=3, count_max=40)
    assert most == 3
    assert results.total.counts.requests == 40


# --- honesty ------------------------------------------------------------------------------------------------


def test_latency_counts_from_when_a_customer_came_not_from_when_there_was_room() -> None:
    """A server that takes 20 ms for each, one at a time, asked 200 times a second: the queue is what customers feel."""

    async def answer(head: str, body: bytes) -> bytes:
        await asyncio.sleep(0.02)
        return await fine(head, body)

    results = send(answering(answer), rate_per_s=200.0, concurrency_max=1, count_max=25, timeout_s=5.0)
    slowest = results.total.counts.latency.max_ms
    # 25 come within about 125 ms, and the last is answered after 500 ms: it waited for most of that.
    assert slowest is not None
    assert slowest > 250
    assert results.late_ms_max > 200


def test_who_found_no_room_is_told() -> None:
    async def answer(head: str, body: bytes) -> bytes:
        await asyncio.sleep(0.1)
        return await fine(head, body)

    results = send(answering(answer), duration_s=0.25, rate_per_s=200.0, concurrency_max=1, count_max=1000)
    assert results.ended == "duration"
    assert results.not_started > 10
    assert results.total.counts.requests < 5


def test_every_kind_of_trouble_is_counted_as_what_it_is() -> None:
    turn = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        await take_request(reader)
        turn += 1
        match turn % 5:
            case 0:
                writer.write(reply(200, b"{}", "x-shop-version: v2", "connection: close"))
            case 1:
                writer.write(reply(503, b"{}", "x-shop-version: v1", "connection: close"))
            case 2:
                writer.write(reply(404, b"{}", "connection: close"))
            case 3:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
            case _:
                await asyncio.sleep(60)

    counts = (results := send(talk, count_max=40, timeout_s=0.8)).total.counts
    assert (counts.requests, counts.failed, counts.refused, counts.resets, counts.timeouts) == (
        40,
        8,
        8,
        8,
        8,
    )
    assert counts.connect_errors == 0
    assert counts.bad == 24
    assert {name: version.requests for name, version in results.total.versions.items()} == {
        "v1": 8,
        "v2": 8,
        UNNAMED: 8,
        UNANSWERED: 16,
    }
    assert results.total.journeys["get"].completed == 8
    assert results.total.journeys["get"].broken == 32
    # A timeout has waited that long at least: leaving it out would flatter the tail.
    assert counts.latency.count == 32
    assert counts.latency.over(799) >= 8


def test_nobody_listening_is_a_result() -> None:
    async def scenario() -> Results:
        async with serving(saying()) as url:
            pass
        return await run(load_of(url=url, count_max=10))

    results = asyncio.run(scenario())
    assert results.total.counts.connect_errors == results.total.counts.requests == 10
    assert results.total.counts.latency.p99_ms is None


def test_an_answer_of_200_that_is_not_what_was_wanted_is_no_success() -> None:
    steps = (
        Step(name="order", method="POST", path="/order", capture=("id",)),
        Step(name="look", path="/order/{id}", expect={"status": "completed"}),
    )

    async def answer(head: str, _body: bytes) -> bytes:
        if head.startswith("POST"):
            return reply(200, b'{"id": 7}')
        assert head.startswith("GET /order/7 ")
        return reply(200, b'{"status": "accepted"}')

    total = send(answering(answer), count_max=20, journeys=(Journey(name="buy", steps=steps),)).total
    assert total.counts.bad == 0
    assert (total.steps["buy.order"].met, total.steps["buy.order"].unmet) == (20, 0)
    assert (total.steps["buy.look"].met, total.steps["buy.look"].unmet) == (0, 20)
    assert (total.journeys["buy"].completed, total.journeys["buy"].unmet) == (0, 20)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"not JSON", b'{"id": null}'])
def test_a_journey_ends_where_what_it_needs_is_not_in_the_answer(body: bytes) -> None:
    steps = (Step(name="one", path="/one", capture=("id",)), Step(name="two", path="/two/{id}"))

    async def answer(_head: str, _body: bytes) -> bytes:
        return reply(200, body)

    total = send(answering(answer), count_max=5, journeys=(Journey(name="walk", steps=steps),)).total
    assert total.counts.requests == total.journeys["walk"].broken == total.steps["walk.one"].unmet == 5


def test_a_customer_keeps_cookies_and_another_has_none_of_them() -> None:
    heads: list[str] = []
    steps = (Step(name="one", path="/one"), Step(name="two", path="/two"))

    async def answer(head: str, _body: bytes) -> bytes:
        heads.append(head)
        return reply(200, b"{}", 'set-cookie: arm="canary"; Path=/; HttpOnly')

    send(answering(answer), count_max=3, concurrency_max=1, journeys=(Journey(name="walk", steps=steps),))
    assert ['cookie: arm="canary"\r\n' in head.lower() for head in heads] == [False, True] * 3


# --- windows, stopping, errors ------------------------------------------------------------------------------


def test_windows_follow_each_other_and_add_up() -> None:
    seen: list[Window] = []
    results = send(
        answering(fine), seen.append, rate_per_s=300.0, duration_s=0.5, count_max=10**4, every_s=0.1
    )
    assert tuple(seen) == results.windows
    assert len(seen) == 5
    assert seen[0].from_s == 0
    assert all(one.to_s == following.from_s for one, following in pairwise(seen))
    assert sum(window.counts.requests for window in seen) == results.total.counts.requests
    assert sum(window.journeys["get"].started for window in seen if "get" in window.journeys) == (
        results.total.journeys["get"].started
    )


def test_another_thread_stops_it_and_what_is_under_way_is_finished() -> None:
    stop = threading.Event()
    answered: list[int] = []

    async def answer(head: str, body: bytes) -> bytes:
        stop.set()
        await asyncio.sleep(0.2)
        answered.append(1)
        return await fine(head, body)

    async def scenario() -> Results:
        async with serving(answering(answer)) as url:
            return await run(load_of(url=url, rate_per_s=50.0), None, stop.is_set)

    began = time.monotonic()
    results = asyncio.run(scenario())
    assert results.ended == "stopped"
    assert time.monotonic() - began < 5
    assert results.total.counts.requests == len(answered) == results.total.journeys["get"].completed > 0
    assert results.unfinished == 0


def test_who_is_not_done_long_after_the_end_begins_no_more_steps() -> None:
    steps = tuple(Step(name=f"step-{number}", path="/") for number in range(100))
    asked = 0

    async def answer(head: str, body: bytes) -> bytes:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return await fine(head, body)

    walk = (Journey(name="walk", steps=steps),)
    results = send(answering(answer), duration_s=0.1, count_max=1, timeout_s=0.5, journeys=walk)
    assert results.unfinished == 1
    assert results.total.counts.requests == asked < 100  # none was cut off
    assert results.total.journeys["walk"].started == 1
    assert results.total.journeys["walk"].completed == results.total.journeys["walk"].broken == 0


def test_what_the_callback_raises_ends_the_run() -> None:
    class FullError(Exception):
        pass

    def full(_window: Window) -> None:
        raise FullError

    began = time.monotonic()
    with pytest.raises(FullError):
        send(answering(fine), full, rate_per_s=50.0, duration_s=30.0, count_max=10**4, every_s=0.1)
    assert time.monotonic() - began < 10
