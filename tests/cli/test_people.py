"""Declaring who vouches for people, by command; and a whole sign-in at the real door of a real controller."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from headgate.cli import exits
from headgate.cli.home import open_ledger
from headgate.cli.run.steering import Foreground
from headgate.core.home.facts import SignedIn
from headgate.core.model import SecretSource
from headgate.homes import people_of, socket_of
from headgate.testing.web import http_server_aside
from headgate.unix_sockets import listens
from headgate.web.doors.front_door import COOKIE
from headgate.web.entrance import Entrance, OpenId, address_of, read_entrance, write_entrance
from headgate.wiring import daemon
from tests.cli.conftest import Run
from tests.plugins.issuers.provider import CLIENT, SECRET, Provider

ISSUER = "https://login.example.com/realms/shop"
PEOPLE = "roles: {release: approver, shop: viewer}\n"
DECLARED = ("up", "--oidc-issuer", ISSUER, "--oidc-client-id", CLIENT)


@pytest.fixture(autouse=True)
def _in_town(with_door: None, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here acts on a town, where no controller is waited for."""
    monkeypatch.setattr(daemon, "UP_S", 0.0)
    (project / "people.yaml").write_text(PEOPLE)
    (project / "secret").write_text(f"{SECRET}\n")


def test_what_is_declared_is_kept_and_the_secret_is_not(run: Run, project: Path, home: Path) -> None:
    run(*DECLARED, "--people", "people.yaml", "--oidc-secret-file", "secret")
    kept = OpenId(ISSUER, CLIENT, SecretSource("file", str(project / "secret")))
    assert read_entrance(home) == Entrance(openid=kept)
    assert people_of(home).read_text() == PEOPLE
    assert people_of(home).stat().st_mode & 0o777 == 0o600
    assert not any(SECRET in file.read_text() for file in home.rglob("*") if file.is_file())
    run("up", "--listen", "127.0.0.1:7481")
    assert read_entrance(home).openid == kept
    run("up", "--no-oidc")
    assert read_entrance(home) == Entrance(port=7481)


def test_one_part_can_be_changed_and_no_secret_goes_to_another_issuer(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    run(*DECLARED, "--people", "people.yaml", "--oidc-secret-env", "OIDC_SECRET")
    run("up", "--oidc-client-id", "another")
    assert read_entrance(home).openid == OpenId(ISSUER, "another", SecretSource("env", "OIDC_SECRET"))
    other = "https://login.example.org"
    refused = run("up", "--oidc-issuer", other)
    assert (refused.exit_code, "--oidc-client-id" in refused.stderr) == (exits.USAGE, True)
    run("up", "--oidc-issuer", other, "--oidc-client-id", "headgate")
    assert read_entrance(home).openid == OpenId(other, "headgate")


def test_who_comes_in_can_be_changed_by_itself(run: Run, project: Path, home: Path) -> None:
    run(*DECLARED, "--people", "people.yaml")
    (project / "people.json").write_text(
        json.dumps({"claim": "email", "roles": {"ada@example.com": "admin"}})
    )
    run("up", "--people", "people.json")
    assert "ada@example.com" in people_of(home).read_text()
    before = people_of(home).read_bytes()
    run("up", "--people", str(people_of(home)))
    assert people_of(home).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--oidc-client-id", "x"), "nobody vouches for people yet"),
        (("--people", "people.yaml"), "nobody vouches for people yet"),
        (("--oidc-issuer", ISSUER, "--oidc-client-id", "x"), "nobody could come in"),
        (("--oidc-issuer", ISSUER, "--people", "people.yaml"), "--oidc-client-id ID"),
        *(
            (("--oidc-issuer", issuer, "--oidc-client-id", "x", "--people", "people.yaml"), "is no issuer")
            for issuer in (
                "login.example.com",
                "http://login.example.com",
                f"{ISSUER}?tenant=1",
                f"{ISSUER}#x",
                "https://me:secret@login.example.com",
                "https://",
            )
        ),
        ((*DECLARED[1:], "--people", "wrong.yaml"), "wrong.yaml:1:18: `aprover` is no role"),
        ((*DECLARED[1:], "--people", "wrong.yaml"), "did you mean `approver`?"),
        ((*DECLARED[1:], "--people", "wrong.yaml"), "wrong.yaml:2:1: the key `clam` is unknown"),
        ((*DECLARED[1:], "--people", "missing.yaml"), "missing.yaml"),
        ((*DECLARED[1:], "--people", "people.yaml", "--oidc-secret-file", "empty"), "it is empty"),
        ((*DECLARED[1:], "--people", "people.yaml", "--oidc-secret-file", "missing"), "missing"),
        ((*DECLARED[1:], "--people", "people.yaml", "--oidc-secret-env", "NOT_THERE"), "NOT_THERE"),
        ((*DECLARED[1:], "--people", "people.yaml", "--oidc-secret-env", SECRET), "never the secret itself"),
        (
            (*DECLARED[1:], "--oidc-secret-env", "A", "--oidc-secret-file", "secret"),
            "a secret is in one place",
        ),
        ((*DECLARED[1:], "--no-oidc"), "takes away"),
        (
            (*DECLARED[1:], "--people", "people.yaml", "--listen", "0.0.0.0:80", "--plain"),
            "say how people reach it",
        ),
        (
            (*DECLARED[1:], "--people", "people.yaml", "--listen", "10.0.0.1:80", "--plain"),
            "that needs TLS",
        ),
        (
            (*DECLARED[1:], "--people", "people.yaml", "--plain", "--url", "http://releases.example.com"),
            "needs https://",
        ),
    ],
)
def test_a_declaration_that_makes_no_sense(
    run: Run, project: Path, home: Path, words: tuple[str, ...], says: str
) -> None:
    (project / "wrong.yaml").write_text("roles: {release: aprover}\nclam: x\n")
    (project / "empty").touch()
    refused = run("up", *words)
    assert (refused.exit_code, says in " ".join(refused.stderr.split())) == (exits.USAGE, True), (
        refused.stderr
    )
    assert SECRET not in refused.output
    assert read_entrance(home) == Entrance()
    assert not people_of(home).exists()


def test_proxies_are_declared_and_taken_back(run: Run, home: Path) -> None:
    run("up", "--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/24")
    assert read_entrance(home) == Entrance(proxies=("127.0.0.1", "10.0.0.0/24"))
    for wrong in ("everybody", "0.0.0.0/0", "10.0.0.7/24"):
        refused = run("up", "--trusted-proxy", wrong)
        assert (refused.exit_code, "--trusted-proxy" in refused.stderr) == (exits.USAGE, True)
    assert read_entrance(home).proxies == ("127.0.0.1", "10.0.0.0/24")
    run("up", "--trusted-proxy", "none")
    assert read_entrance(home) == Entrance()


@pytest.fixture
def provider() -> Iterator[Provider]:
    known = Provider()
    with http_server_aside(known.script) as origin:
        known.origin = origin
        yield known


def opened(home: Path) -> None:
    """Wait for the door beside the controller."""
    until = time.monotonic() + 30
    while not listens(socket_of(home)):
        assert time.monotonic() < until, "the door did not open"
        time.sleep(0.05)


def test_somebody_comes_in_at_the_real_door(home: Path, project: Path, provider: Provider) -> None:
    secret = SecretSource("file", str(project / "secret"))
    home.mkdir()
    write_entrance(home, Entrance(port=0, openid=OpenId(provider.issuer, CLIENT, secret)))
    people_of(home).write_text(PEOPLE)
    running = Foreground(home)
    running.start()
    opened(home)
    try:
        with httpx2.Client(base_url=address_of(home)) as browser:
            page = browser.get("/sign-in").text
            assert f"Sign in with {urlsplit(provider.issuer).netloc}" in page
            away = browser.get(page.partition('<a class="button main" href="')[2].partition('"')[0])
            back = browser.get("/sign-in/back", params=provider.agree(away.headers["location"]))
            assert back.status_code == 200, back.text
            assert "secure" not in back.headers["set-cookie"].lower(), "it is http, on this machine"
            assert "ada@example.com" in browser.get("/").text
            health = browser.get("/v1/health").json()
            health["trouble"].pop("loop", None)  # this machine may be busy
            assert (health["trouble"], COOKIE in browser.cookies) == ({}, True)
    finally:
        running.close()
    ledger = open_ledger(home)
    try:
        (noted,) = [note.event for note in ledger.notes() if isinstance(note.event, SignedIn)]
    finally:
        ledger.close()
    assert (noted.by, noted.how, noted.role) == ("ada@example.com", provider.issuer, "approver")
    written = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert SECRET.encode() not in written


def test_a_session_outlives_the_controller_and_its_door(
    home: Path, project: Path, provider: Provider
) -> None:
    secret = SecretSource("file", str(project / "secret"))
    home.mkdir()
    write_entrance(home, Entrance(port=0, openid=OpenId(provider.issuer, CLIENT, secret)))
    people_of(home).write_text(PEOPLE)
    cookies: dict[str, str] = {}
    for part in ("signs in", "is known", "has no role any more"):
        if part == "has no role any more":
            people_of(home).write_text("roles: {others: viewer}\n")
        running = Foreground(home)
        running.start()
        opened(home)
        try:
            with httpx2.Client(base_url=address_of(home), cookies=cookies) as browser:
                if part == "signs in":
                    away = browser.get("/sign-in/elsewhere")
                    browser.get("/sign-in/back", params=provider.agree(away.headers["location"]))
                    cookies[COOKIE] = browser.cookies[COOKIE]
                expected = 401 if part == "has no role any more" else 200
                assert browser.get("/v1/health").status_code == expected, part
        finally:
            running.close()
    kept = home / "sessions.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert cookies[COOKIE] not in kept.read_text()


def test_what_stands_in_the_way_is_told(home: Path, project: Path, provider: Provider) -> None:
    secret = SecretSource("file", str(project / "not there"))
    home.mkdir()
    write_entrance(home, Entrance(port=0, openid=OpenId(provider.issuer, CLIENT, secret)))
    people_of(home).write_text(PEOPLE)
    running = Foreground(home)
    running.start()
    opened(home)
    try:
        with httpx2.Client(base_url=address_of(home)) as browser:
            assert "Sign in with" not in browser.get("/sign-in").text
        transport = httpx2.HTTPTransport(uds=str(socket_of(home)))
        with httpx2.Client(transport=transport, base_url="http://headgate") as owner:
            trouble = owner.get("/v1/health").json()["trouble"]["dashboard"]
            assert trouble.startswith(f"nobody comes in by {provider.issuer}: the file")
    finally:
        running.close()
