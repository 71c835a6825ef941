"""Headgate's own metrics: what a scrape finds before, during and after releases."""

import asyncio
import re
from pathlib import Path
from typing import cast

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import Response

from headgate.controller.steerable import Steerable
from headgate.core.machine.events import ReleaseAborted
from headgate.ledger import MemoryLedger
from headgate.ports.controller import Controller, Stopped, Vitals
from headgate.ports.observer import Happened
from headgate.web.api.metrics import ALL_PHASES, Metrics, exposing
from headgate.web.http.following import Following
from headgate.web.http.who import Who, owner
from tests.cli import stories
from tests.controller.house import TWO, play, wish
from tests.controller.watching import WatchedHome

UNIT = {"project": "shop", "environment": "production", "service": "web"}
AREA = {"project": "shop", "environment": "production"}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    text = metrics.expose("")[0].decode()
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    assert len(found) == 1, f"{name} {labels} in\n{text}"
    return found[0]


def test_before_anything_happened_units_are_known_and_still() -> None:
    ledger, metrics = MemoryLedger(), Metrics()
    stories.write(ledger, stories.first(), stories.promoted())
    metrics.begin(ledger)
    metrics.tell(Vitals(troubles=3))
    assert value(metrics, "headgate_release_in_progress", **UNIT) == 0
    assert value(metrics, "headgate_canary_weight_ratio", **UNIT) == 0
    assert value(metrics, "headgate_releases_in_flight", **AREA) == 0
    assert value(metrics, "headgate_trouble") == 3


@pytest.mark.parametrize(("story", "held"), [(stories.held, 1), (stories.baking, 0)])
def test_a_release_under_way_is_in_progress(story: type, held: int) -> None:
    ledger, metrics = MemoryLedger(), Metrics()
    stories.write(ledger, stories.first(), stories.promoted(), story())
    metrics.begin(ledger)
    assert value(metrics, "headgate_release_in_progress", **UNIT) == 1
    assert value(metrics, "headgate_releases_in_flight", **AREA) == 1
    assert value(metrics, "headgate_releases_held", **AREA) == held
    assert 0 < value(metrics, "headgate_canary_weight_ratio", **UNIT) < 1
    phase = "held" if held else "baking"
    shown = {one: value(metrics, "headgate_release_phase", **UNIT, phase=one) for one in ALL_PHASES}
    assert shown == dict.fromkeys(ALL_PHASES, 0) | {phase: 1}


def test_a_whole_story_is_counted() -> None:
    metrics, progress = Metrics(), list[float]()

    def look(happened: Happened) -> None:
        if happened.summary.release == "r2":
            progress.append(value(metrics, "headgate_release_in_progress", **UNIT))

    async def story() -> None:
        home = WatchedHome(metrics.observe, look)
        supervisor = await home.with_one()
        metrics.begin(home.ledger)
        home.house.failing[TWO] = 0.5
        home.house.does["read"] = [None] * 20
        await supervisor.submit(wish(TWO))
        await home.until_closed("r2")
        await supervisor.close()

    play(story)
    assert progress[0] == 1
    assert progress[-1] == 0
    assert sorted(progress, reverse=True) == progress, "once in a release, then out of it"
    assert value(metrics, "headgate_releases_total", **AREA, outcome="promoted") == 1
    assert value(metrics, "headgate_releases_total", **AREA, outcome="rolled_back") == 1
    assert value(metrics, "headgate_detection_seconds_count", **AREA) == 1
    assert value(metrics, "headgate_restore_seconds_count", **AREA) == 1
    assert value(metrics, "headgate_release_seconds_count", **AREA) == 2
    assert value(metrics, "headgate_verdicts_total", **UNIT, verdict="fail") == 1
    assert value(metrics, "headgate_harmed_requests_total", **UNIT) > 0


def test_a_source_that_fails_is_counted() -> None:
    metrics = Metrics()

    async def story() -> None:
        home = WatchedHome(metrics.observe)
        supervisor = await home.with_one()
        await supervisor.submit(wish(TWO))
        await home.until("r2", "baking")
        home.house.does["read"] = [RuntimeError("gone")] * 4
        await home.until_closed("r2")
        await supervisor.close()
        assert value(metrics, "headgate_source_failures_total", **UNIT) == 4

    play(story)


def test_a_queued_release_is_not_in_progress() -> None:
    metrics = Metrics()

    async def story() -> None:
        home = WatchedHome(metrics.observe)
        supervisor = await home.with_one()
        first = await supervisor.submit(wish(TWO, concurrency="queue"))
        await supervisor.submit(wish(TWO, concurrency="queue"))
        await home.until(first, "baking")
        assert value(metrics, "headgate_release_phase", **UNIT, phase="baking") == 1
        assert value(metrics, "headgate_releases_in_flight", **AREA) == 2
        await supervisor.tell(first, ReleaseAborted(at=0.0, by="ada"))
        await home.until_closed(first)
        await supervisor.close()

    play(story)


def test_labels_are_few_and_name_no_release() -> None:
    metrics = Metrics()

    async def story() -> None:
        home = WatchedHome(metrics.observe)
        supervisor = await home.with_one()
        await supervisor.close()

    play(story)
    text = metrics.expose("")[0].decode()
    assert "r1" not in text.replace("headgate_build_info", "")
    assert "ada" not in text
    assert TWO.key not in text
    assert "_created" not in text


def test_what_the_controller_says_of_itself() -> None:
    async def story() -> Vitals:
        home = WatchedHome()
        supervisor = await home.start()
        steerable = Steerable(supervisor, lag=lambda: (0.5, 2))
        home.observers.append(steerable.observe)
        await supervisor.submit(wish(TWO))
        await home.until_closed("r1")
        await supervisor.close()
        return await steerable.vitals()

    metrics = Metrics()
    metrics.tell(play(story))
    assert value(metrics, "headgate_ledger_append_seconds_count") > 5
    assert value(metrics, "headgate_trouble") == 0
    assert value(metrics, "headgate_controller_loop_lag_seconds") == 0.5
    assert value(metrics, "headgate_controller_loop_stalls_total") == 2
    metrics.tell(None)
    assert b"headgate_trouble" not in metrics.expose("")[0]


class Silent:
    """A controller that does not answer."""

    async def vitals(self) -> Vitals:
        raise Stopped("it does not answer")


def test_what_another_process_follows_is_counted_as_it_would_be_there() -> None:
    async def story() -> None:
        here, there = Metrics(), Metrics()
        home = WatchedHome(here.observe)
        following = Following(home.ledger, (there.observe,))
        supervisor = await home.with_one()
        home.house.failing[TWO] = 0.5
        await supervisor.submit(wish(TWO))
        await home.until("r2", "baking")
        await following.catch_up()
        await home.until_closed("r2")
        await following.catch_up()
        await supervisor.close()
        assert there.expose("") == here.expose("")

    play(story)


def test_it_speaks_openmetrics_where_it_is_asked_to() -> None:
    text, kind = Metrics().expose("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (owner(), 200),
        (Who("scraper", "viewer", "token"), 200),
        (Who("guest", "viewer", "token", ("staging",)), 403),
    ],
)
def test_it_is_for_whoever_may_read_everything(who: Who, status: int) -> None:
    async def identify(_: Request) -> Who:
        return who

    request = Request({"type": "http", "method": "GET", "path": "/metrics", "headers": []})
    response: Response = asyncio.run(exposing(Metrics(), identify, cast("Controller", Silent()))(request))  # type: ignore[arg-type]
    assert response.status_code == status
    if status == 200:
        assert response.headers["content-type"].startswith("text/plain")


def test_the_page_names_what_there_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "markers.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(headgate_[a-z_]+)`", page))
    metrics = Metrics()
    metrics.tell(Vitals())
    text = metrics.expose("")[0].decode()
    families = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) - {"headgate_build_info"}
    assert named == families
