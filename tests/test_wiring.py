"""What is made for a home reaches as far as its declaration may, also by a controller that only knows the ledger."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headgate import wiring
from headgate.core.model import Channel, Reach, Source, Unit, Version
from headgate.outbox.book import Book, Lane, decoded, encoded
from headgate.outbox.trial import Tried, trial_message
from headgate.ports.errors import Permanent
from headgate.ports.web import Answer, Request
from headgate.testing.web import http_server, http_server_aside
from headgate.web.entrance import FILE
from tests.controller.house import TWO, wish

VERSION = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)


def shop(origin: str, reach: Reach) -> Source:
    settings: dict[str, Any] = {"url": f"{origin}/{{version}}", "requests": "$.n", "timeout_s": 10.0}
    return Source("orders", "json", settings, reach)


def read(home: Path, reach: Reach) -> int:
    """How many requests a source on the loopback counted, asked as a controller of this home would."""

    async def asked() -> int:
        async with http_server(lambda _: Answer(200, {}, b'{"n": 7}')) as origin:
            world = wiring.build_world(home, wiring.open_processes(home))
            try:
                return (await world.open_source(shop(origin, reach), "host").read(VERSION)).requests
            finally:
                await world.close()

    return asyncio.run(asked())


def allow(home: Path, *reach: str) -> None:
    (home / FILE).write_bytes(msgspec.json.encode({"reach": reach}))


def declare(home: Path, *variables: str) -> None:
    """The owner declares these, for the channel `ops`, and to go to this machine."""
    what = {"projects": ["shop"], "used_by": ["ops"], "to": ["127.0.0.1"]}
    declared = {name.lower().replace("_", "-"): {"env": name} | what for name in variables}
    (home / "secrets.yaml").write_bytes(msgspec.json.encode({"secrets": declared}))
    (home / "secrets.yaml").chmod(0o600)


def test_a_source_reaches_as_far_as_whoever_declared_it(tmp_path: Path) -> None:
    assert read(tmp_path, "private") == 7
    with pytest.raises(Permanent, match="loopback"):
        read(tmp_path, "public")
    allow(tmp_path, "127.0.0.0/8")
    assert read(tmp_path, "public") == 7
    (tmp_path / FILE).write_text("{")
    with pytest.raises(Permanent, match="loopback"):
        read(tmp_path, "public")


def test_the_mark_outlives_the_controller_in_the_ledger_and_in_the_outbox() -> None:
    lane = Lane("notifiers", "ops", "webhook", {}, reach="public")
    assert decoded(encoded(Book(lanes={"ops": lane}))).lanes["ops"].reach == "public"
    (intent,) = wish(TWO).intents
    asked = msgspec.structs.replace(intent, sources=(shop("https://shop.example.com", "public"),))
    body = msgspec.json.encode(asked)
    assert msgspec.json.decode(body, type=type(intent)).sources[0].reach == "public"
    old = body.replace(b',"reach":"public"', b"")
    assert old != body
    assert msgspec.json.decode(old, type=type(intent)).sources[0].reach == "private", (
        "what older ledgers hold"
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own: it is loaded in a thread
@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_a_channel_reaches_as_far_as_whoever_declared_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Request] = []

    def script(request: Request) -> Answer:
        heard.append(request)
        return Answer(200, {}, b"")

    def said(reach: Reach) -> Tried:
        channel = Channel("ops", kind, settings, reach=reach)
        (tried,) = wiring.try_channels(tmp_path, [channel], trial_message("shop", "production", "ada", 0.0))
        return tried

    monkeypatch.setenv("SIGNING", "0123456789abcdef0123456789abcdef")
    with http_server_aside(script) as origin:
        monkeypatch.setenv("OPS_URL", origin.replace("http://", "json://"))
        url: Any = {"kind": "env", "name": "OPS_URL"} if kind == "apprise" else f"{origin}/hook"
        secret = {} if kind == "apprise" else {"secret": {"kind": "env", "name": "SIGNING"}}
        settings = {"url": url} | secret
        assert said("private").ok
        assert len(heard) == 1
        assert "may not name an environment variable" in said("public").why
        declare(tmp_path, "OPS_URL", "SIGNING")
        named = {
            name: one["name"].lower().replace("_", "-")
            for name, one in settings.items()
            if isinstance(one, dict)
        }
        settings |= {name: {"kind": "secret", "name": one} for name, one in named.items()}
        tried = said("public")
        assert "loopback" in tried.why
        assert len(heard) == 1
        allow(tmp_path, "127.0.0.1")
        assert said("public").ok
