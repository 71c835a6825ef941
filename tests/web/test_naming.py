"""What the front door declares names no file, variable or secret of the host, but what its owner declared for it."""

from __future__ import annotations

import asyncio
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import msgspec
import pytest
from msgspec.structs import replace

from headgate.core.home.secrets import Declaration
from headgate.core.model import Channel, Command, Configuration, Marker, SecretSource, Source
from headgate.core.model.configuration import CommandCheck
from headgate.core.release.submission import Submission
from headgate.ports import Permanent
from headgate.ports.registry import names, settings_type
from headgate.web.http.endpoint import Endpoint
from headgate.wiring import open_processes
from headgate.wiring.world import Measuring
from tests.controller.house import ONE, TWO
from tests.web.test_reaching import FOUR, THREE, Measured, begun, declaring, reaches
from tests.web.web_services import Place, at

FILE = {"kind": "file", "name": "/etc/shadow"}
VARIABLE = {"kind": "env", "name": "HOME"}
NAMED = {"kind": "secret", "name": "orders"}
ORDERS = Declaration(
    SecretSource("file", "/etc/headgate/orders"), ("shop",), ("orders",), ("api.example.com",)
)
SETTINGS = {"url": "https://api.example.com/{version}", "requests": "$.n"}


def json_source(secret: object, name: str = "orders", **changes: object) -> Source:
    return Source(name, "json", SETTINGS | {"secret_headers": {"x-key": secret}} | changes)


async def answered(place: Place, asked: Submission, status: int = 403) -> dict[str, Any]:
    answer = await place.ask("POST", "/v1/releases", asked, token=await place.token("admin", "production"))
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("secret", [FILE, VARIABLE])
def test_no_file_and_no_variable_of_the_host_is_named(secret: dict[str, str]) -> None:
    signed = {"url": "https://hooks.example.com", "secret": secret}
    cases = [
        (declaring(TWO, json_source(secret)), "intents[0].sources[0].settings.secret_headers.x-key"),
        (declaring(TWO, Source("a", "json", {"token": secret})), "intents[0].sources[0].settings.token"),
        (
            declaring(TWO, Source("a", "sql", {"host": "db.example.com", "password": secret})),
            "intents[0].sources[0].settings.password",
        ),
        (
            declaring(TWO, channels=(Channel("ops", "apprise", {"url": secret}),)),
            "policies.audience.channels[0].settings.url",
        ),
        (
            declaring(TWO, markers=(Marker("m", "webhook", signed),)),
            "policies.audience.markers[0].settings.secret",
        ),
        (
            declaring(TWO, Source("a", "strange", {"ways": [{"key": secret}]})),
            "intents[0].sources[0].settings.ways[0].key",
        ),
    ]

    async def story(place: Place) -> None:
        for asked, where in cases:
            problem = await answered(place, asked)
            assert (problem["title"], problem["where"]) == ("not declared", f"body.{where}")
            assert "headgate secret add NAME --file PATH" in problem["detail"]
        assert place.home.ledger.summary("r2") is None
        assert place.denials()[-1].action == "beginRelease"

    at(story)


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_command_of_the_host_is_named(when: str) -> None:
    async def story(place: Place) -> None:
        plain = declaring(TWO)
        command = Command("migrate", ("sh", "-c", "id"))
        asked = replace(plain, intents=(replace(plain.intents[0], **{when: (command,)}),))
        problem = await answered(place, asked)
        assert (problem["title"], problem["where"]) == ("not declared", f"body.intents[0].{when}")
        assert place.home.ledger.summary("r2") is None

    at(story)


@pytest.mark.parametrize("kind", ["signals", "markers", "notifiers"])
def test_every_secret_of_every_plugin_is_found(kind: str) -> None:
    """By the types of their settings: a plugin that is added tomorrow is looked through, too."""

    async def story(place: Place) -> None:
        seen = 0
        for name in names(kind):
            settings = settings_type(kind, name)
            for field in msgspec.structs.fields(settings) if settings else ():
                if SecretSource not in _types(field.type):
                    continue
                value = {"x": FILE} if get_origin(field.type) is dict else FILE
                given = {field.encode_name: value}
                asked = {
                    "signals": lambda: declaring(TWO, Source("a", name, given)),  # noqa: B023 - called at once
                    "markers": lambda: declaring(TWO, markers=(Marker("a", name, given),)),  # noqa: B023
                    "notifiers": lambda: declaring(TWO, channels=(Channel("a", name, given),)),  # noqa: B023
                }[kind]()
                assert (await answered(place, asked))["title"] == "not declared"
                seen += 1
        assert seen >= 3

    at(story)


def test_no_file_is_named_for_tls() -> None:
    async def story(place: Place) -> None:
        source = Source("a", "sql", {"host": "db.example.com", "sslrootcert": "/etc/shadow"})
        assert (await answered(place, declaring(TWO, source)))["where"].endswith("settings.sslrootcert")

    at(story)


def test_what_the_owner_declared_is_for_whom_and_where_they_said() -> None:
    changed = [
        (ORDERS, json_source(NAMED, "other"), "is not for 'other'"),
        (replace(ORDERS, projects=("blog",)), json_source(NAMED), "not for the project 'shop'"),
        (replace(ORDERS, to=()), json_source(NAMED), "(but to nowhere)"),
        (ORDERS, json_source(NAMED, url="https://evil.example.com/{version}"), "evil.example.com"),
        (ORDERS, json_source(NAMED, url="https://api.example.com.evil.net/{version}"), "evil.net"),
        (ORDERS, json_source(NAMED, url="https://api.example.com@evil.net/{version}"), "evil.net"),
        (ORDERS, json_source(NAMED | {"name": "another"}), "no secret is called 'another'"),
    ]

    async def story(place: Place) -> None:
        for declared, source, said in changed:
            place.door.declared = lambda declared=declared: {"orders": declared}  # type: ignore[misc]
            problem = await answered(place, declaring(TWO, source))
            assert said in problem["detail"], problem
            assert "headgate secret add" in problem["detail"]
        place.door.declared = lambda: {"orders": ORDERS}
        admin = await place.token("admin", "production")
        assert reaches(await begun(place, declaring(TWO, json_source(NAMED)), admin)) == ("public",)

    at(story, Measured())


def test_who_cannot_say_what_is_declared_lets_nothing_in() -> None:
    def unreadable() -> dict[str, Declaration]:
        raise Permanent("others may write secrets.yaml")

    async def story(place: Place) -> None:
        place.door.declared = unreadable
        problem = await answered(place, declaring(TWO, json_source(NAMED)), 503)
        assert "others may write secrets.yaml" in problem["detail"]

    at(story)


def test_what_the_owner_released_with_a_file_an_operator_releases_again() -> None:
    async def story(place: Place) -> None:
        owners = json_source(FILE)
        assert reaches(await begun(place, declaring(TWO, owners))) == ("private",)
        operator = await place.token("operator")
        assert reaches(await begun(place, declaring(THREE, owners), operator)) == ("private",)
        other = json_source(FILE, url="https://evil.example.com/{version}")
        assert (await answered(place, declaring(FOUR, other)))["title"] == "not declared"

    at(story, Measured())


def _types(kind: object, seen: set[object] | None = None) -> set[object]:
    """Every type within a type."""
    seen = set() if seen is None else seen
    if kind in seen:
        return seen
    seen.add(kind)
    if get_origin(kind) in (Union, types.UnionType) or get_origin(kind) is not None:
        for one in get_args(kind):
            _types(one, seen)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            _types(field.type, seen)
    return seen


def test_no_endpoint_takes_a_configuration_a_command_or_a_place_of_a_secret() -> None:
    """What runs on the host, and with which secrets, is made on the host; the API names it by its digest."""

    async def story(place: Place) -> None:
        endpoints: tuple[Endpoint, ...] = place.endpoints()
        taken = {kind for one in endpoints if one.body for kind in _types(one.body)}
        assert Submission in taken
        assert not taken & {Configuration, CommandCheck, SecretSource}
        free = [kind for kind in taken if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
        assert {one for one in free for field in msgspec.structs.fields(one) if _any(field.type)} == {
            Source,
            Channel,
            Marker,
        }

    at(story)


def _any(kind: object) -> bool:
    return kind is Any or any(_any(one) for one in get_args(kind))


# --- where it is read and sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (json_source(FILE), "may not name a file of the host"),
        (json_source(VARIABLE), "may not name an environment variable"),
        (json_source(NAMED), "no secret is called 'orders'"),
        (
            Source(
                "orders",
                "sql",
                {
                    "host": "db.example.com",
                    "database": "d",
                    "user": "u",
                    "means": {"m": "select 1 sum, 1 n where %(version)s <> ''"},
                },
            ),
            "needs a `password` that was declared, and names no file",
        ),
    ],
)
def test_an_older_ledger_opens_no_more_than_the_front_door_does(
    source: Source, said: str, tmp_path: Path
) -> None:
    """What came in before there was this rule, or was declared no longer since: refused where it is read."""

    async def story() -> None:
        measuring = Measuring(tmp_path, open_processes(tmp_path))
        with pytest.raises(Permanent, match=said):
            await measuring.open(replace(source, reach="public"), "host").read(ONE)
        await measuring.aclose()

    asyncio.run(story())


def test_a_declared_secret_goes_to_no_other_host(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("pl4nted-key\n")
    what = f"file: {tmp_path}/key, projects: [shop], used_by: [orders], to: [api.example.com]"
    declared = f"secrets: {{orders: {{{what}}}}}\n"
    (tmp_path / "secrets.yaml").write_text(declared)
    (tmp_path / "secrets.yaml").chmod(0o600)

    async def story() -> None:
        measuring = Measuring(tmp_path, open_processes(tmp_path))
        there = json_source(NAMED, url="https://evil.example.com/{version}")
        with pytest.raises(Permanent, match=r"may not be sent to 'evil\.example\.com'"):
            await measuring.open(replace(there, reach="public"), "host").read(ONE)
        secret = measuring.open(replace(json_source(NAMED), reach="public"), "host")
        assert secret._log_in().headers == {"x-key": "pl4nted-key"}  # type: ignore[attr-defined]
        (tmp_path / "secrets.yaml").chmod(0o666)
        with pytest.raises(Permanent, match="may write this file"):
            secret._log_in()  # type: ignore[attr-defined]
        (tmp_path / "secrets.yaml").unlink()
        with pytest.raises(Permanent, match="no secret is called"):
            secret._log_in()  # type: ignore[attr-defined]
        await measuring.aclose()

    asyncio.run(story())
