"""Whoever looks on is told everything the ledger has, and is never in the way; the log is one of them."""

import io
import json
import logging
from typing import Any

import pytest

from headgate.controller.journal import JsonLines, journal, logged
from headgate.core.story.report import fold
from headgate.ports.observer import Happened
from tests.controller.house import TWO, play, wish
from tests.controller.watching import WatchedHome


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_everything_is_told_with_the_release_after_it() -> None:
    told: list[Happened] = []

    async def story() -> None:
        home = WatchedHome(told.append)
        supervisor = await home.with_one()
        await supervisor.submit(wish(TWO))
        await home.until_closed("r2")
        await supervisor.close()
        entries = [*home.ledger.read("r1"), *home.ledger.read("r2")]
        assert [one.event for one in told] == [entry.event for entry in entries]
        assert told[-1].folded.report() == fold(entry.event for entry in home.ledger.read("r2")).report()
        assert [one.before.sequence + 1 for one in told] == [one.summary.sequence for one in told]
        assert any(one.sample is not None for one in told)

    play(story)


def test_a_controller_that_comes_later_tells_on() -> None:
    told: list[Happened] = []

    async def story() -> None:
        home = WatchedHome()
        supervisor = await home.with_one()
        await supervisor.submit(wish(TWO))
        await home.until("r2", "baking")
        await supervisor.close()
        home.observers = [told.append]
        seen = len(home.ledger.read("r2"))
        later = await home.start()
        await home.until_closed("r2")
        await later.close()
        assert [one.event for one in told] == [entry.event for entry in home.ledger.read("r2")][seen:]
        assert told[-1].folded.report().outcome == "promoted"

    play(story)


def test_an_observer_that_breaks_down_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Happened] = []

    def broken(_: Happened) -> None:
        raise RuntimeError("no room")

    async def story() -> None:
        home = WatchedHome(broken, told.append)
        supervisor = await home.with_one()
        await supervisor.close()
        assert len(told) == len(home.ledger.read("r1"))

    play(story)
    assert "an observer broke down over ReleaseRequested" in caplog.text


def test_the_log_is_one_json_object_a_line() -> None:
    text = io.StringIO()

    async def story() -> None:
        home = WatchedHome(journal)
        supervisor = await home.with_one()
        home.house.failing[TWO] = 0.5
        await supervisor.submit(wish(TWO))
        await home.until_closed("r2")
        await supervisor.close()

    with logged(logging.StreamHandler(text)):
        play(story)
    found = lines(text.getvalue())
    fields = {
        "timestamp",
        "severity_text",
        "severity_number",
        "body",
        "attributes",
        "resource",
    }
    assert all(line.keys() == fields for line in found)
    second = [line for line in found if line["attributes"]["deployment.id"] == "r2"]
    assert "ada asked to move shop/production/web" in second[0]["body"]
    last = second[-1]["attributes"]
    assert last["service.name"] == "web"
    assert last["service.version"] == TWO.key
    assert last["headgate.outcome"] == "rolled_back"
    assert (last["deployment.environment.name"], last["headgate.project"]) == ("production", "shop")
    assert "WARN" in {line["severity_text"] for line in second}
    judged = [line for line in second if line["attributes"]["event.name"] == "Judged"]
    assert 0 < len(judged) < 10, "intervals that say nothing new are not logged"
    assert all(line["resource"]["service.name"] == "headgate" for line in found)


def test_a_library_and_an_exception_are_lines_too() -> None:
    text = io.StringIO()
    with logged(logging.StreamHandler(text)):
        logging.getLogger("some.library").warning("two\nlines")
        logging.getLogger("some.library").info("GET /?key=secret")
        try:
            int("wrong")
        except ValueError:
            logging.getLogger("headgate.x").exception("it broke")
    warning, error = lines(text.getvalue())
    assert (warning["body"], warning["severity_text"], warning["severity_number"]) == (
        "two\nlines",
        "WARN",
        13,
    )
    assert error["attributes"]["exception.type"] == "ValueError"
    assert "test_observing" in error["attributes"]["exception.stacktrace"]
    assert JsonLines().format(logging.LogRecord("n", 10, "", 1, "grün", (), None)).isprintable()
