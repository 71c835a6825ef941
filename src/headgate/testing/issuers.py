"""What every issuer must do. Subclass `IssuerContract` in a test file, and say how yours is made."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import pytest

from headgate.ports.errors import Permanent, Temporary
from headgate.ports.issuer import Issuer, SignInAttempt

ATTEMPT = SignInAttempt("https://headgate.example/sign-in/back", "state-1", "nonce-1", "verifier-" + "1" * 40)


class IssuerSetup(Protocol):
    """An issuer under test, and the people that it knows."""

    @property
    def issuer(self) -> Issuer:
        """The port."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that it was given: none may be in an error."""
        ...

    async def signs_in(self, address: str, *, verified: bool) -> Mapping[str, str]:
        """Somebody signs in at `address`; returns what their browser brings back.

        Their subject is `s-1`, they call themselves `ada`, their address is `Ada@example.com` (`verified` or not), and
        their groups are `shop` and `release`.
        """
        ...

    def fail(self) -> None:
        """Let nobody answer for the issuer from now on."""
        ...


class IssuerContract(ABC):
    """The promises of ports.Issuer."""

    @abstractmethod
    def setup(self) -> AbstractAsyncContextManager[IssuerSetup]:
        """An issuer that works."""

    def test_the_address_says_whose_errand_it_is_and_nothing_that_is_secret(self) -> None:
        async def scenario(setup: IssuerSetup) -> None:
            address = await setup.issuer.address(ATTEMPT)
            said = parse_qs(urlsplit(address).query)
            assert (said["state"], said["redirect_uri"]) == ([ATTEMPT.state], [ATTEMPT.back])
            for secret in (ATTEMPT.verifier, *setup.secrets):
                assert secret not in address

        self._run(scenario)

    def test_who_signs_in_is_known_with_their_groups(self) -> None:
        async def scenario(setup: IssuerSetup) -> None:
            answer = await setup.signs_in(await setup.issuer.address(ATTEMPT), verified=True)
            person = await setup.issuer.person(ATTEMPT, answer)
            assert person.issuer == setup.issuer.url
            assert (person.subject, person.username) == ("s-1", "ada")
            assert person.name == "ada@example.com"
            assert person.claims["email"] == ("ada@example.com",)
            assert person.claims["groups"] == ("shop", "release")

        self._run(scenario)

    def test_an_address_that_nobody_verified_is_not_told(self) -> None:
        async def scenario(setup: IssuerSetup) -> None:
            answer = await setup.signs_in(await setup.issuer.address(ATTEMPT), verified=False)
            person = await setup.issuer.person(ATTEMPT, answer)
            assert person.email == ""
            assert "email" not in person.claims
            assert person.name == f"ada (s-1 at {setup.issuer.url.partition('://')[2]})"
            assert person.names == {person.name, "s-1", "ada"}

        self._run(scenario)

    def test_an_answer_is_good_once(self) -> None:
        async def scenario(setup: IssuerSetup) -> None:
            answer = await setup.signs_in(await setup.issuer.address(ATTEMPT), verified=True)
            await setup.issuer.person(ATTEMPT, answer)
            with pytest.raises(Permanent):
                await setup.issuer.person(ATTEMPT, answer)

        self._run(scenario)

    @pytest.mark.parametrize("changed", ["back", "nonce", "verifier"])
    def test_an_answer_is_good_for_its_own_errand_only(self, changed: str) -> None:
        async def scenario(setup: IssuerSetup) -> None:
            answer = await setup.signs_in(await setup.issuer.address(ATTEMPT), verified=True)
            other = replace(ATTEMPT, **{changed: f"{getattr(ATTEMPT, changed)}-other"})
            with pytest.raises(Permanent) as caught:
                await setup.issuer.person(other, answer)
            _tells_nothing(str(caught.value), setup, answer)

        self._run(scenario)

    @pytest.mark.parametrize("answer", [{}, {"code": ""}, {"code": "guess"}, {"error": "access_denied"}])
    def test_what_is_no_answer_vouches_for_nobody(self, answer: Mapping[str, str]) -> None:
        async def scenario(setup: IssuerSetup) -> None:
            await setup.issuer.address(ATTEMPT)
            with pytest.raises(Permanent) as caught:
                await setup.issuer.person(ATTEMPT, answer)
            _tells_nothing(str(caught.value), setup, {})

        self._run(scenario)

    def test_no_answer_from_the_issuer_is_temporary(self) -> None:
        async def scenario(setup: IssuerSetup) -> None:
            answer = await setup.signs_in(await setup.issuer.address(ATTEMPT), verified=True)
            setup.fail()
            with pytest.raises(Temporary) as caught:
                await setup.issuer.person(ATTEMPT, answer)
            _tells_nothing(str(caught.value), setup, answer)

        self._run(scenario)

    def _run(self, scenario: "Scenario") -> None:
        async def run() -> None:
            async with self.setup() as setup:
                await scenario(setup)

        asyncio.run(run())


class Scenario(Protocol):
    """What one test does with an issuer."""

    async def __call__(self, setup: IssuerSetup) -> None:
        """Do it."""
        ...


def _tells_nothing(told: str, setup: IssuerSetup, answer: Mapping[str, str]) -> None:
    for secret in (*setup.secrets, ATTEMPT.verifier, ATTEMPT.nonce, *filter(None, [answer.get("code")])):
        assert secret not in told, told
