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
from headgate.ports.issuer import Errand, Issuer

ERRAND = Errand("https://headgate.example/sign-in/back", "state-1", "nonce-1", "verifier-" + "1" * 40)


class Standing(Protocol):
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
    def standing(self) -> AbstractAsyncContextManager[Standing]:
        """An issuer that works."""

    def test_the_address_says_whose_errand_it_is_and_nothing_that_is_secret(self) -> None:
        async def scenario(standing: Standing) -> None:
            address = await standing.issuer.address(ERRAND)
            said = parse_qs(urlsplit(address).query)
            assert (said["state"], said["redirect_uri"]) == ([ERRAND.state], [ERRAND.back])
            for secret in (ERRAND.verifier, *standing.secrets):
                assert secret not in address

        self._run(scenario)

    def test_who_signs_in_is_known_with_their_groups(self) -> None:
        async def scenario(standing: Standing) -> None:
            answer = await standing.signs_in(await standing.issuer.address(ERRAND), verified=True)
            person = await standing.issuer.person(ERRAND, answer)
            assert person.issuer == standing.issuer.url
            assert (person.subject, person.username) == ("s-1", "ada")
            assert person.name == "ada@example.com"
            assert person.claims["email"] == ("ada@example.com",)
            assert person.claims["groups"] == ("shop", "release")

        self._run(scenario)

    def test_an_address_that_nobody_verified_is_not_told(self) -> None:
        async def scenario(standing: Standing) -> None:
            answer = await standing.signs_in(await standing.issuer.address(ERRAND), verified=False)
            person = await standing.issuer.person(ERRAND, answer)
            assert person.email == ""
            assert "email" not in person.claims
            assert person.name == f"ada (s-1 at {standing.issuer.url.partition('://')[2]})"
            assert person.names == {person.name, "s-1", "ada"}

        self._run(scenario)

    def test_an_answer_is_good_once(self) -> None:
        async def scenario(standing: Standing) -> None:
            answer = await standing.signs_in(await standing.issuer.address(ERRAND), verified=True)
            await standing.issuer.person(ERRAND, answer)
            with pytest.raises(Permanent):
                await standing.issuer.person(ERRAND, answer)

        self._run(scenario)

    @pytest.mark.parametrize("changed", ["back", "nonce", "verifier"])
    def test_an_answer_is_good_for_its_own_errand_only(self, changed: str) -> None:
        async def scenario(standing: Standing) -> None:
            answer = await standing.signs_in(await standing.issuer.address(ERRAND), verified=True)
            other = replace(ERRAND, **{changed: f"{getattr(ERRAND, changed)}-other"})
            with pytest.raises(Permanent) as caught:
                await standing.issuer.person(other, answer)
            _tells_nothing(str(caught.value), standing, answer)

        self._run(scenario)

    @pytest.mark.parametrize("answer", [{}, {"code": ""}, {"code": "guess"}, {"error": "access_denied"}])
    def test_what_is_no_answer_vouches_for_nobody(self, answer: Mapping[str, str]) -> None:
        async def scenario(standing: Standing) -> None:
            await standing.issuer.address(ERRAND)
            with pytest.raises(Permanent) as caught:
                await standing.issuer.person(ERRAND, answer)
            _tells_nothing(str(caught.value), standing, {})

        self._run(scenario)

    def test_no_answer_from_the_issuer_is_temporary(self) -> None:
        async def scenario(standing: Standing) -> None:
            answer = await standing.signs_in(await standing.issuer.address(ERRAND), verified=True)
            standing.fail()
            with pytest.raises(Temporary) as caught:
                await standing.issuer.person(ERRAND, answer)
            _tells_nothing(str(caught.value), standing, answer)

        self._run(scenario)

    def _run(self, scenario: "Scenario") -> None:
        async def run() -> None:
            async with self.standing() as standing:
                await scenario(standing)

        asyncio.run(run())


class Scenario(Protocol):
    """What one test does with an issuer."""

    async def __call__(self, standing: Standing) -> None:
        """Do it."""
        ...


def _tells_nothing(told: str, standing: Standing, answer: Mapping[str, str]) -> None:
    for secret in (*standing.secrets, ERRAND.verifier, ERRAND.nonce, *filter(None, [answer.get("code")])):
        assert secret not in told, told
