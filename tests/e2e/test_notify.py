"""A rollback of the real shop arrives where people are told of it, with its two numbers."""

import re
import threading

import msgspec
import pytest

from headgate.ports.web import Answer, Request
from headgate.testing.web import http_server_aside
from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(180)]

SECRET = "hunter2-hunter2-hunter2"


def test_a_rollback_arrives_at_a_webhook(town: Town) -> None:
    heard: list[Request] = []
    lock = threading.Lock()

    def take(request: Request) -> Answer:
        with lock:
            heard.append(request)
        return Answer(200, {}, b"{}")

    town.env["HOOK_SECRET"] = SECRET
    bad = town.build("v5-no-database")
    with http_server_aside(take) as origin, town.customers():
        hook = {"to": "webhook", "url": f"{origin}/releases", "secret": {"env": "HOOK_SECRET"}}
        town.plan(production={"notify": {"ops": hook}})
        tried = town.headgate("notify", "test", "ops", "-e", "production")
        assert tried.code == 0, tried.said
        done = town.deploy(bad)
        assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
        town.until(lambda: any(_type(one) == "release.rolled_back" for one in heard), "the message")
    moments = [_type(one).removeprefix("release.") for one in heard]
    assert moments == ["requested", "requested", "started", "rolling_back", "rolled_back"]
    last = msgspec.json.decode(heard[-1].body)["data"]
    assert re.fullmatch(r"[\d.]+% of \S+'s requests failed, against [\d.]+% of \S+'s\.", last["lines"][0]), (
        last
    )
    assert f"{done.report['bad_requests_served']:,} request" in last["lines"][1]
    assert len({msgspec.json.decode(one.body)["data"]["thread"] for one in heard[1:]}) == 1
    assert all("webhook-signature" in one.headers for one in heard)
    written = [path for path in town.home.rglob("*") if path.is_file() and "artifacts" not in path.parts]
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]


def _type(request: Request) -> str:
    return str(msgspec.json.decode(request.body)["type"])
