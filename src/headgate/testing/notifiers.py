"""What every channel for messages must do. Subclass `NotifierContract` in a test file, and say how yours is made."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest

from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.notifier import Message, Notifier

HOSTILE = "v3\u202e <!channel> @everyone <script>alert(1)</script> [here](https://evil.example) &amp; *bold*"
"""A name that somebody gave a version."""


class Listening(Protocol):
    """A channel under test, and whoever is at its other end."""

    @property
    def notifier(self) -> Notifier:
        """The port."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that it was given: none may be in an error."""
        ...

    def heard(self) -> list[str]:
        """What arrived, in order, each as its text was sent."""
        ...

    def answer(self, status: int) -> None:
        """Have the other end answer with this HTTP status from now on; 0: it closes the connection at once."""
        ...


def message(key: str = "r7/3/rolled_back/0a1b2c3d", **changed: object) -> Message:
    """A message as the outbox sends it."""
    said: dict[str, object] = {
        "key": key,
        "release": "r7",
        "moment": "rolled_back",
        "severity": "warning",
        "title": "shop/production/web: r7 to v3 was rolled back",
        "lines": ("5.2% of v3's requests failed, against 0.1% of v2's.",),
        "facts": (("release", "r7"), ("change", "v2 -> v3")),
        "at": 1_790_000_000.0,
    }
    return Message(**(said | changed))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class NotifierContract(ABC):
    """The promises of ports.Notifier."""

    @abstractmethod
    def listening(self) -> AbstractAsyncContextManager[Listening]:
        """A channel whose other end takes everything."""

    def test_a_message_arrives_whole(self) -> None:
        """Its title, and every line."""

        async def scenario(channel: Listening) -> None:
            await channel.notifier.send(message(), "")
            (heard,) = channel.heard()
            for part in ("r7 to v3 was rolled back", "5.2% of v3", "against 0.1% of v2"):
                assert part in heard

        self._run(scenario)

    def test_one_line_is_enough(self) -> None:
        """A message may have nothing but its title."""

        async def scenario(channel: Listening) -> None:
            await channel.notifier.send(message(lines=(), facts=()), "")
            assert "r7 to v3 was rolled back" in channel.heard()[0]

        self._run(scenario)

    def test_a_thread_is_text_that_it_takes_back(self) -> None:
        """Whatever it returns for the first message, the next one is given, also by another process."""

        async def scenario(channel: Listening) -> None:
            thread = await channel.notifier.send(message("r7/1/started/0a1b2c3d"), "")
            assert await channel.notifier.send(message("r7/2/step/0a1b2c3d"), thread) == thread
            assert len(channel.heard()) == 2

        self._run(scenario)

    def test_hostile_names_are_only_text(self) -> None:
        """Nobody is called, nothing is linked: what a service would read as a command does not arrive as one."""

        async def scenario(channel: Listening) -> None:
            await channel.notifier.send(
                message(title=f"r7 to {HOSTILE} was rolled back", lines=(HOSTILE,)), ""
            )
            assert "was rolled back" in channel.heard()[0]

        self._run(scenario)

    @pytest.mark.parametrize("status", [429, 500, 503, 0])
    def test_trouble_that_may_pass_is_temporary(self, status: int) -> None:
        """Too many requests, the service's own trouble, no answer."""
        self._refused(status, Temporary)

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    def test_trouble_that_a_person_must_mend_is_permanent(self, status: int) -> None:
        """A request that is not understood, a credential that is not taken, an address that is not there."""
        self._refused(status, Permanent)

    def test_many_at_once(self) -> None:
        """All of them arrive, or say that they did not."""

        async def scenario(channel: Listening) -> None:
            sent = [channel.notifier.send(message(f"r{n}/1/started/0a1b2c3d"), "") for n in range(20)]
            answers = await asyncio.gather(*sent, return_exceptions=True)
            assert all(isinstance(one, (str, Temporary)) for one in answers)
            assert len(channel.heard()) == sum(isinstance(one, str) for one in answers) > 0

        self._run(scenario)

    def _refused(self, status: int, kind: type[PortError]) -> None:
        async def scenario(channel: Listening) -> None:
            channel.answer(status)
            with pytest.raises(kind) as caught:
                await channel.notifier.send(message(), "")
            assert not any(secret in str(caught.value) for secret in channel.secrets)

        self._run(scenario)

    def _run(self, scenario: "Scenario") -> None:
        async def run() -> None:
            async with self.listening() as channel:
                await scenario(channel)

        asyncio.run(run())


class Scenario(Protocol):
    """What one test does with a channel."""

    async def __call__(self, channel: Listening) -> None:
        """Do it."""
        ...
