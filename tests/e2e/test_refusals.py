"""What cannot become a release: nothing changes for users, and the person is told exactly why."""

import socket
from collections.abc import Callable

import pytest

from tests.e2e.town import Done, Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(180)]

DIES = 'raise SystemExit("shop: the licence has expired")'
NEVER_STARTS = """
from shop.message import as_json
async def starting(self, request):
    return as_json({"status": "starting"}, 503)
Shop.startup = starting
"""
WRONG_PAGE = """
from shop.message import Response
async def empty(self, request):
    return Response(200, b"<h1>It works!</h1>", "text/html")
Shop.front_page = empty
"""


def rolled_back_unnoticed(town: Town, bad: str, *, good: str) -> Done:
    """Deploy a version that never may have a user."""
    with town.customers() as customers:
        done = town.deploy(bad)
        assert town.answerers() == {good}
    assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
    assert done.report["bad_requests_served"] == 0
    assert not [step for step in done.report["steps"] if step["weight"]]
    assert customers.seen.by_version.keys() == {good}
    customers.seen.nothing_bad()
    assert not town.shops(bad)
    return done


def test_a_version_that_dies_at_its_start(town: Town) -> None:
    good = town.stable()
    done = rolled_back_unnoticed(town, town.build(main=DIES), good=good)
    assert "the licence has expired" in done.report["reason"]


def test_a_version_that_fails_its_startup_probe(town: Town) -> None:
    good = town.stable()
    town.plan({"probes": {"startup": {"failures": 10}}})
    done = rolled_back_unnoticed(town, town.build(main=NEVER_STARTS), good=good)
    assert "startup" in done.report["reason"]
    assert "503" in done.report["reason"]


def test_a_version_that_fails_its_smoke_test(town: Town) -> None:
    good = town.stable()
    town.plan(strategy="blue-green", steps=None)
    done = rolled_back_unnoticed(town, town.build(main=WRONG_PAGE), good=good)
    assert "smoke test failed" in done.report["reason"]
    assert "pages" in done.report["reason"]


def test_a_public_port_that_is_taken(new_town: Callable[[], Town]) -> None:
    town = new_town()
    label = town.build()
    with socket.create_server(("127.0.0.1", town.project.port)):
        done = town.deploy(label)
    assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
    assert str(town.project.port) in done.report["reason"]
    assert not town.shops(label)
    again = town.deploy(label, "--retry", "the port is free now")
    assert (again.code, again.report["outcome"]) == (0, "promoted"), again.said
    assert town.answerers() == {label}


def test_a_port_to_move_to_that_is_taken(new_town: Callable[[], Town]) -> None:
    town = new_town()
    old, new = town.build(), town.build()
    town.promoted(old)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        town.plan({"listen": {"port": port}})
        with town.customers():
            done = town.deploy(new)
    assert town.answerers() == {old}
    assert f"cannot bind '127.0.0.1:{port}': Address already in use" in done.report["reason"]
    assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said


def test_a_home_with_a_long_path(new_town: Callable[..., Town]) -> None:
    town = new_town(below="a-folder-with-a-long-name/" * 4)
    assert len(str(town.home)) > 107
    first = town.build()
    town.promoted(first)
    assert town.answerers() == {first}
    town.up()
    second = town.build("v2")
    with town.customers():
        town.promoted(second)
    assert town.answerers() == {second}
    assert town.status()["controller"]
    assert town.headgate("down").code == 0
    assert not town.status()["controller"]
    assert town.answerers() == {second}
