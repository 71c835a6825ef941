"""What the front door declares is marked, keeps its mark in the ledger, and names no private address unseen."""

from __future__ import annotations

import dataclasses
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from headgate.controller.world import Patience, World
from headgate.core.machine.events import ReleaseRequested
from headgate.core.model import Audience, Channel, Marker, Reach, Source, Version
from headgate.core.release.submission import Submission
from headgate.ledger.lineage import request_of
from headgate.ports.reach import bounds_of
from tests.controller.house import PATIENCE, TWO, House, wish
from tests.web.web_services import Place, at

THREE, FOUR = (Version(TWO.unit, digit * 64, digit * 64) for digit in "34")
FAR = "https://prometheus.example.com"
SECRET = "hunter2"


class Measured(House):
    """A house in which every source that is declared can be read, and says what the proxy says."""

    def world(self, patience: Patience = PATIENCE) -> World:
        return dataclasses.replace(super().world(patience), open_source=lambda *_: self)


def prometheus(url: str = FAR, reach: Reach = "private") -> Source:
    return Source("metrics", "prometheus", {"url": url, "preset": "generic"}, reach)


def declaring(
    version: Version, *sources: Source, channels: tuple[Channel, ...] = (), markers: tuple[Marker, ...] = ()
) -> Submission:
    plain = wish(version)
    (intent,) = plain.intents
    audience = Audience(channels=channels, markers=markers)
    return replace(
        plain,
        intents=(replace(intent, sources=sources),),
        policies=replace(plain.policies, audience=audience),
    )


async def begun(place: Place, asked: Submission, token: str | None = None) -> ReleaseRequested:
    """The request as it is in the ledger, once its release has ended."""
    answer = await place.ask("POST", "/v1/releases", asked, token=token)
    assert answer.status_code == 201, answer.text
    release = answer.json()["release"]
    await place.home.until_closed(release)
    return request_of(place.home.ledger, release)


def reaches(asked: ReleaseRequested) -> tuple[str, ...]:
    """The marks, of the intents and, the same, of the plan."""
    found = tuple(source.reach for intent in asked.intents for source in intent.sources)
    assert found == tuple(source.reach for leg in asked.plan.legs for source in leg.sources)
    channels = tuple(channel.reach for channel in asked.plan.audience.channels)
    return (*found, *channels, *(marker.reach for marker in asked.plan.audience.markers))


def test_what_the_owner_declares_stays_the_owners_whoever_releases_it_again() -> None:
    async def story(place: Place) -> None:
        channel, marker = Channel("ops", "webhook"), Marker("graphs", "grafana")
        first = declaring(TWO, prometheus("http://10.0.0.7:9090"), channels=(channel,), markers=(marker,))
        assert reaches(await begun(place, first)) == ("private", "private", "private")
        again = declaring(THREE, prometheus("http://10.0.0.7:9090"), channels=(channel,), markers=(marker,))
        operator = await place.token("operator")
        assert reaches(await begun(place, again, operator)) == ("private", "private", "private")

    at(story, Measured())


def test_what_the_front_door_declares_is_marked_whatever_it_says_of_itself() -> None:
    async def story(place: Place) -> None:
        admin, operator = await place.token("admin"), await place.token("operator")
        channel, marker = Channel("ops", "webhook"), Marker("graphs", "grafana")
        first = declaring(TWO, prometheus(), channels=(channel,), markers=(marker,))
        assert reaches(await begun(place, first, admin)) == ("public", "public", "public")
        again = declaring(THREE, prometheus(reach="private"), channels=(channel,), markers=(marker,))
        assert reaches(await begun(place, again, operator)) == ("public", "public", "public")
        back = await place.ask("POST", "/v1/releases/r3/rollback", {"reason": "x"}, token=operator)
        assert back.status_code == 201, back.text
        assert reaches(request_of(place.home.ledger, back.json()["release"]))[1:] == ("public", "public")

    at(story, Measured())


def test_only_what_is_new_is_the_front_doors() -> None:
    async def story(place: Place) -> None:
        admin = await place.token("admin")
        mine = prometheus("http://10.0.0.7:9090")
        await begun(place, declaring(TWO, mine))
        other = Source("orders", "http_json", {"url": "https://shop.example.com/{version}"})
        assert reaches(await begun(place, declaring(THREE, mine, other), admin)) == ("private", "public")
        changed = declaring(FOUR, replace(mine, settings=mine.settings | {"timeout_s": 2.0}))
        answer = await place.ask("POST", "/v1/releases", changed, token=admin)
        assert answer.status_code == 403

    at(story, Measured())


def test_the_owner_takes_over_what_the_front_door_declared() -> None:
    async def story(place: Place) -> None:
        admin, operator = await place.token("admin"), await place.token("operator")
        assert reaches(await begun(place, declaring(TWO, prometheus()), admin)) == ("public",)
        assert reaches(await begun(place, declaring(THREE, prometheus()))) == ("private",)
        assert reaches(await begun(place, declaring(FOUR, prometheus()), operator)) == ("private",)

    at(story, Measured())


# --- refused at once -------------------------------------------------------------------------------------------------


async def refused(place: Place, asked: Submission) -> dict[str, Any]:
    answer: httpx2.Response = await place.ask("POST", "/v1/releases", asked, token=await place.token("admin"))
    assert answer.status_code == 403, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["title"] == "out of reach"
    assert SECRET not in answer.text
    assert not any(SECRET in denial.reason for denial in place.denials())
    return problem


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("10.0.0.7", "10.0.0.7 is private (10.0.0.0/8)"),
        ("127.0.0.1", "loopback"),
        ("localhost", "--reach localhost"),
        ("localhost.", "loopback"),
        ("[::1]", "loopback"),
        ("[::ffff:192.168.1.1]", "192.168.1.1"),
        ("2130706433", "127.0.0.1 is loopback"),
        ("0x7f.0.0.1", "127.0.0.1 is loopback"),
        ("0177.0.0.1", "127.0.0.1 is loopback"),
        ("169.254.169.254", "keep their metadata"),
        (f"everybody.example:{SECRET}@10.0.0.7", "10.0.0.7 is private"),
    ],
)
def test_a_private_address_is_refused_with_what_would_allow_it(host: str, said: str) -> None:
    async def story(place: Place) -> None:
        url = f"http://{host}:9090/{SECRET}?key={SECRET}"
        problem = await refused(place, declaring(TWO, prometheus(FAR), prometheus(url)))
        assert problem["where"] == "body.intents[0].sources[1].settings.url"
        assert said in problem["detail"]
        assert "headgate up --reach" in problem["detail"]
        assert place.home.ledger.summary("r2") is None
        assert place.denials()[-1].action == "beginRelease"

    at(story)


def test_wherever_it_stands() -> None:
    database = Source("orders", "sql", {"host": "db.example.com,10.0.0.7", "database": "shop"})
    socket = Source("orders", "sql", {"host": "/var/run/postgresql", "database": "shop"})
    deep = Source("orders", "strange", {"ways": [{"to": "tcp://10.0.0.7:1"}]})
    hook = Channel("ops", "webhook", {"url": "http://10.0.0.7/"})
    graphs = Marker("graphs", "grafana", {"url": "http://10.0.0.7/"})
    cases = [
        (declaring(TWO, database), "body.intents[0].sources[0].settings.host"),
        (declaring(TWO, socket), "body.intents[0].sources[0].settings.host"),
        (declaring(TWO, deep), "body.intents[0].sources[0].settings.ways[0].to"),
        (declaring(TWO, channels=(hook,)), "body.policies.audience.channels[0].settings.url"),
        (declaring(TWO, markers=(graphs,)), "body.policies.audience.markers[0].settings.url"),
    ]

    async def story(place: Place) -> None:
        for asked, where in cases:
            assert (await refused(place, asked))["where"] == where

    at(story)


def test_what_the_home_allows_is_let_in_and_marked_all_the_same() -> None:
    async def story(place: Place) -> None:
        place.door.bounds = bounds_of(["10.0.0.0/8", "localhost"]).narrowed()
        admin = await place.token("admin")
        for version, host in ((TWO, "10.0.0.7"), (THREE, "localhost")):
            asked = declaring(version, prometheus(f"http://{host}:9090"))
            assert reaches(await begun(place, asked, admin)) == ("public",)
        await refused(place, declaring(FOUR, prometheus("http://192.168.0.1")))

    at(story, Measured())


def test_the_socket_is_the_owners() -> None:
    async def story(place: Place) -> None:
        asked = declaring(TWO, prometheus("http://127.0.0.1:9090"))
        assert (await place.ask("POST", "/v1/releases", asked)).status_code == 201

    at(story)
