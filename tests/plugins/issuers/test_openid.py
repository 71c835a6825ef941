"""OpenID Connect keeps the promises of every issuer, takes what a good provider signs, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headgate.core.model import SecretSource
from headgate.plugins.issuers.openid import OpenId, Settings
from headgate.plugins.issuers.openid.discovery import PATH
from headgate.plugins.issuers.openid.keys import AGE_MAX_S, UNKNOWN_MAX, Keys
from headgate.plugins.web.client import HttpWeb, Limits
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.issuer import ANSWER_MAX_BYTES, Person, guarded
from headgate.ports.web import Answer, Request
from headgate.testing.issuers import ATTEMPT, IssuerContract
from headgate.testing.web import http_server
from tests.plugins.issuers.forging import FORGERIES, GOOD, rs256
from tests.plugins.issuers.provider import CLIENT, SECRET, SHORT, STRANGER, Provider, by_hand, public, signed

VARIABLE = "HEADGATE_TEST_OPENID_SECRET"


class IssuerSetup:
    secrets = (SECRET,)

    def __init__(self, issuer: OpenId, provider: Provider) -> None:
        self.issuer = issuer
        self.provider = provider

    async def signs_in(self, address: str, *, verified: bool) -> Mapping[str, str]:
        self.provider.changed = {"email_verified": verified}
        return self.provider.agree(address)

    def fail(self) -> None:
        self.provider.answers["/token"] = _gone


def _gone(_: Request) -> Answer:
    raise ConnectionError


@contextlib.asynccontextmanager
async def setup(
    provider: Provider | None = None, source: SecretSource | None = None, path: str = "/realms/shop"
) -> AsyncGenerator[IssuerSetup]:
    provider = provider or Provider()
    async with http_server(provider.script) as origin:
        provider.origin, provider.path = origin, path
        web = HttpWeb(Limits(pause_first_s=0.0))
        if source is None and provider.secret is not None:
            source = SecretSource("env", VARIABLE)
        try:
            yield IssuerSetup(OpenId(Settings(provider.issuer, CLIENT, source), web, time.time), provider)
        finally:
            await web.aclose()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)


class TestOpenId(IssuerContract):
    def setup(self) -> contextlib.AbstractAsyncContextManager[IssuerSetup]:
        return setup()


async def arrives(place: IssuerSetup) -> Person:
    """Somebody goes there, signs in, and comes back."""
    answer = place.provider.agree(await place.issuer.address(ATTEMPT))
    return await place.issuer.person(ATTEMPT, answer)


def play(
    scenario: Callable[[IssuerSetup], Awaitable[None]],
    provider: Provider | None = None,
    source: SecretSource | None = None,
    path: str = "/realms/shop",
) -> None:
    async def run() -> None:
        async with setup(provider, source, path) as place:
            await scenario(place)

    asyncio.run(run())


def refused(change: Callable[[Provider], None], kind: type[PortError] = Permanent) -> str:
    """What is said to somebody who signs in at a provider that was changed like this."""
    told: list[str] = []

    async def scenario(place: IssuerSetup) -> None:
        change(place.provider)
        with pytest.raises(kind) as caught:
            await arrives(place)
        told.append(str(caught.value))
        assert SECRET not in told[0]

    play(scenario)
    return told[0]


# --- what is taken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("name", ["k1", None])
def test_every_algorithm_that_is_safe_is_taken(algorithm: str, name: str | None) -> None:
    async def scenario(place: IssuerSetup) -> None:
        place.provider.keys = [public(algorithm, name)]
        place.provider.signs = lambda claims: signed(claims, algorithm, name)
        assert (await arrives(place)).name == "ada@example.com"

    play(scenario)


def test_what_is_asked_for() -> None:
    async def scenario(place: IssuerSetup) -> None:
        said = parse_qs(urlsplit(await place.issuer.address(ATTEMPT)).query)
        assert said["scope"] == ["openid email profile groups"]
        assert (said["nonce"], said["state"]) == ([ATTEMPT.nonce], [ATTEMPT.state])
        await arrives(place)
        token = next(request for request in place.provider.asked if request.url.endswith("/token"))
        assert b"client_id" not in token.body
        assert SECRET.encode() not in token.body

    play(scenario)


def test_a_public_client_and_a_secret_in_a_file(tmp_path: Path) -> None:
    async def scenario(place: IssuerSetup) -> None:
        assert (await arrives(place)).subject == "s-1"

    play(scenario, Provider(secret=None))
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    play(scenario, source=SecretSource("file", str(tmp_path / "secret")))


@pytest.mark.parametrize("path", ["", "/", "/realms/shop/"])
def test_the_document_is_where_discovery_says(path: str) -> None:
    """OpenID Connect Discovery 1.0, section 4.1: a slash at the end is taken away first."""

    async def scenario(place: IssuerSetup) -> None:
        assert (await arrives(place)).issuer == place.provider.issuer
        assert urlsplit(place.provider.asked[0].url).path == path.removesuffix("/") + PATH

    play(scenario, path=path)


def test_a_clock_that_is_a_little_off_is_no_reason() -> None:
    async def scenario(place: IssuerSetup) -> None:
        for off in (30, -30):
            now = int(time.time()) + off
            place.provider.changed = {"iat": now, "exp": now + (10 if off < 0 else 300)}
            assert (await arrives(place)).subject == "s-1"

    play(scenario)


def test_several_may_be_meant_when_we_asked() -> None:
    async def scenario(place: IssuerSetup) -> None:
        place.provider.changed = {"aud": [CLIENT, "another"], "azp": CLIENT}
        assert (await arrives(place)).subject == "s-1"

    play(scenario)


# --- what is not ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "another"}, "Audience"),
        ({"aud": []}, "aud"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": ["nonce-1"]}, "nonce"),
        ({"nonce": "\ud800"}, "nonce"),
        ({"exp": int(time.time()) - 3600}, "expired"),
        ({"iat": int(time.time()) + 3600}, "not yet valid"),
        ({"nbf": int(time.time()) + 3600}, "not yet valid"),
        ({"exp": "never"}, "exp"),
        ({"sub": ""}, "subject"),
        ({"sub": "s" * 256}, "subject"),
        ({"sub": "ada\u202e"}, "subject"),
        ({"sub": 7}, "Subject"),
        *(({name: None}, name) for name in ("iss", "sub", "aud", "exp", "iat", "nonce")),
    ],
)
def test_claims_that_are_not_right(claims: Mapping[str, Any], why: str) -> None:
    def change(provider: Provider) -> None:
        if not isinstance(claims.get("sub", ""), str) or "nonce" in claims:
            provider.signs = lambda given: by_hand(given, GOOD, rs256)
        provider.changed = claims

    assert why in refused(change)


@pytest.mark.parametrize("how", FORGERIES)
def test_forgeries(how: str) -> None:
    def change(provider: Provider) -> None:
        provider.signs = FORGERIES[how]

    assert refused(change)


def test_the_same_statement_signed_well_is_taken() -> None:
    """So that each forgery is refused for what it is."""

    async def scenario(place: IssuerSetup) -> None:
        place.provider.signs = lambda claims: by_hand(claims, GOOD, rs256)
        assert (await arrives(place)).subject == "s-1"

    play(scenario)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "oct", "kid": "k1", "k": "c2VjcmV0"}],
        [public("RS256", "k1") | {"use": "enc"}],
        [public("RS256", "k1") | {"alg": "PS256"}],
        [public("RS256", "k1"), public("RS256", "k1", STRANGER)],
        [{"kty": "RSA", "kid": "k1"}],
        [{"kty": "RSA", "kid": "k1", "n": 7, "e": "AQAB"}],
    ],
    ids=["none", "symmetric", "for encryption", "for another algorithm", "two", "empty", "odd"],
)
def test_keys_that_will_not_do(keys: list[dict[str, Any]]) -> None:
    def change(provider: Provider) -> None:
        provider.keys = keys

    assert refused(change)


def test_a_key_that_is_too_short() -> None:
    def change(provider: Provider) -> None:
        provider.keys = [public("RS256", "k1", SHORT)]
        provider.signs = lambda claims: by_hand(claims, GOOD, lambda content: rs256(content, SHORT))

    assert "bits" in refused(change)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"issuer": "https://evil.example"}, "to the letter"),
        ({"token_endpoint": "http://evil.example/token"}, "no TLS"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "no TLS"),
        ({"jwks_uri": "https://[::1"}, "no TLS"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"token_endpoint_auth_methods_supported": ["client_secret_post"]}, "client_secret_basic"),
        ({"token_endpoint": 7}, "cannot be understood"),
        ({"authorization_response_iss_parameter_supported": True}, "which issuer it is from"),
    ],
)
def test_a_document_that_will_not_do(said: Mapping[str, Any], why: str) -> None:
    def change(provider: Provider) -> None:
        provider.said = said

    assert why in refused(change)


def test_an_answer_from_another_issuer() -> None:
    async def scenario(place: IssuerSetup) -> None:
        answer = place.provider.agree(await place.issuer.address(ATTEMPT))
        with pytest.raises(Permanent, match="another issuer"):
            await place.issuer.person(ATTEMPT, answer | {"iss": "https://evil.example"})
        assert place.provider.count("/token") == 0
        assert (await place.issuer.person(ATTEMPT, answer | {"iss": place.issuer.url})).subject == "s-1"

    play(scenario)


def test_an_error_is_told_only_where_it_is_a_word() -> None:
    async def scenario(place: IssuerSetup) -> None:
        for error, told in (("access_denied", "access_denied"), ("<b>call 555</b>", "does not say why")):
            with pytest.raises(Permanent, match=told) as caught:
                await place.issuer.person(ATTEMPT, {"error": error, "error_description": "call 555"})
            assert "555" not in str(caught.value)

    play(scenario)


# --- a provider in trouble -----------------------------------------------------------------------------------------


def _slow(_: Request) -> Answer:
    raise TimeoutError


def _broken(_: Request) -> Answer:
    raise EOFError


@pytest.mark.parametrize("path", [PATH, "/token", "/keys"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_gone, Temporary),
        (_slow, Temporary),
        (_broken, Temporary),
        (lambda _: Answer(500, {}, b"oh no"), Temporary),
        (lambda _: Answer(404, {}, b"<html>"), Permanent),
        (lambda _: Answer(200, {}, b"<html>"), Permanent),
        (lambda _: Answer(200, {}, b"\xff"), Permanent),
        (lambda _: Answer(200, {}, b"[" * 100_000), Permanent),
        (lambda _: Answer(200, {}, b'{"a": "' + b"x" * ANSWER_MAX_BYTES + b'"}'), Permanent),
        (lambda _: Answer(302, {"location": "https://evil.example/"}, b""), Permanent),
    ],
    ids=["down", "slow", "broken off", "500", "404", "html", "bytes", "deep", "huge", "elsewhere"],
)
def test_trouble_is_told_and_typed(
    path: str, answer: Callable[[Request], Answer], kind: type[PortError], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("issuer", "discovery"):
        monkeypatch.setattr(
            f"headgate.plugins.issuers.openid.{module}.TIMEOUT_S", 0.3 if answer is _slow else 5.0
        )

    def change(provider: Provider) -> None:
        provider.answers[path] = answer

    assert "127.0.0.1" in refused(change, kind)


def test_a_secret_that_cannot_be_read() -> None:
    async def scenario(place: IssuerSetup) -> None:
        with pytest.raises(Permanent, match="HEADGATE_NOT_THERE"):
            await arrives(place)

    play(scenario, source=SecretSource("env", "HEADGATE_NOT_THERE"))


# --- keys are kept -------------------------------------------------------------------------------------------------


def test_a_new_key_is_looked_for_once_and_the_document_is_kept() -> None:
    async def scenario(place: IssuerSetup) -> None:
        provider = place.provider
        for _ in range(3):
            await arrives(place)
        assert (provider.count("/keys"), provider.count(PATH)) == (1, 1)
        provider.keys = [public("RS256", "k1"), public("ES256", "k2")]
        provider.signs = lambda claims: signed(claims, "ES256", "k2")
        await arrives(place)
        provider.signs = lambda claims: signed(claims, name="k3")
        for _ in range(3):
            with pytest.raises(Permanent, match="'k3'"):
                await arrives(place)
        assert provider.count("/keys") == 3

    play(scenario)


def test_keys_are_not_fetched_for_every_name_that_is_made_up() -> None:
    fetched: list[int] = []
    at = [0.0]

    async def fetch() -> list[dict[str, Any]]:
        fetched.append(1)
        return [public("RS256", "k1")]

    async def run() -> None:
        keys = Keys(fetch, lambda: at[0])
        for n in range(5 * UNKNOWN_MAX):
            with pytest.raises(Permanent):
                await keys.find(f"made up {n}", "RS256")
        assert (await keys.find("k1", "RS256"))["kid"] == "k1"
        assert len(fetched) == 1 + UNKNOWN_MAX
        at[0] += AGE_MAX_S
        await keys.find("k1", "RS256")
        assert len(fetched) == 2 + UNKNOWN_MAX

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example.com/realms/shop", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("http://login.example.com", False),
        ("https://", False),
        ("https://host:99999999", False),
        ("login.example.com", False),
        ("javascript:alert(1)", False),
        ("http://localhost.example.com", False),
    ],
)
def test_where_nobody_listens_on_the_way(url: str, *, safe: bool) -> None:
    assert guarded(url) is safe
