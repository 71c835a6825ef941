"""One slow or greedy thing does not stop the judge: a bad canary goes as fast as ever, and who steers is answered."""

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate.cli.ask.client import Client
from headgate.homes import socket_of
from headgate.web.entrance import Entrance, address_of, write_entrance
from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(240)]

RUNS = 3
ANSWER_S = 1.0
INTERVAL_S = 0.25
BAKING = [{"weight": "50%", "bake": "60s", "deadline": "100s"}]
BUSINESS = {"orders": {"good": "shop_orders_completed_total", "of": "shop_checkouts_total"}}

RESPONSE = "from shop.message import Response\n"
BAD = (
    RESPONSE
    + """
import itertools
_count = itertools.count()
_catalogue = Shop.catalogue
async def failing(self, request):
    if next(_count) % 5 < 3:
        return Response(500, b"no", "text/plain")
    return await _catalogue(self, request)
Shop.catalogue = failing
"""
)
HOSTILE = """
_page = b'http_requests_total{code="200",path="/a"} 1\\n' * 55_000 + b"x" + b" " * 16_000 + b"x\\n"
async def hostile(self, request):
    return Response(200, _page, "text/plain")
Shop.show_metrics = hostile
"""


@contextlib.contextmanager
def attacked(town: Town) -> Iterator[None]:
    """The door has guests who take all that they can get, while the context lasts."""
    token = town.headgate("token", "issue", "guest", "--role", "viewer").out.strip()
    command = [sys.executable, str(Path(__file__).parent / "attackers.py"), address_of(town.home), token]
    guests = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        try:
            said, _ = guests.communicate(timeout=30)
        finally:
            guests.kill()
            guests.wait()
    did = json.loads(said)
    assert did["half"] >= 1_100, did
    assert did["names"] >= 3, did
    assert did["slow"] >= 1, did


def off_traffic_after_s(town: Town, main: str) -> float:
    """From a bad version's first request until stable has all traffic again."""
    done = town.deploy(town.build(main=main))
    assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
    assert done.report["detected_after_s"] is not None, f"nobody found it bad: {done.said}"
    return float(done.report["detected_after_s"]) + float(done.report["restored_after_s"])


def answered_within_s(ask: Callable[[], object]) -> float:
    began = time.monotonic()
    ask()
    return time.monotonic() - began


def test_no_greedy_guest_blinds_the_judge_or_keeps_a_person_from_the_helm(
    new_town: Callable[[], Town],
) -> None:
    town = new_town()
    town.home.mkdir(parents=True, exist_ok=True)
    write_entrance(town.home, Entrance(port=0))
    town.plan({"criteria": {"business": BUSINESS}})
    town.up()
    good = town.build()
    town.promoted(good)
    client = Client(socket_of(town.home))
    with town.customers():
        calm = [off_traffic_after_s(town, BAD) for _ in range(RUNS)]
        with attacked(town):
            under_attack = [off_traffic_after_s(town, BAD + HOSTILE) for _ in range(RUNS)]
            answers = [answered_within_s(client.health) for _ in range(20)]
            answers += [answered_within_s(lambda: client.ask("GET", "/v1/health")) for _ in range(5)]
            town.plan({"criteria": {"business": BUSINESS}}, steps=BAKING)
            command = town.start("deploy", "--artifact", town.build(main=RESPONSE + HOSTILE))
            town.comes_to("baking")
            release = town.releases()[0].release
            answers.append(answered_within_s(lambda: client.tell(release, "abort", "ada", "enough")))
            assert command.end().code != 0
    assert statistics.median(under_attack) <= 2 * statistics.median(calm) + INTERVAL_S, (calm, under_attack)
    assert max(answers) <= ANSWER_S, answers
    assert town.stable() == good
    town.verify()
