"""A vendor that a local HTTP server plays, for the contract in `testing.vendor`.

A subclass of `VendorSpeech` says how the vendor speaks; a `Stage` knows what happened, and answers so.
"""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from headgate.core.model import Arm, Unit, Version
from headgate.core.model.window import Window
from headgate.ports.registry import create
from headgate.ports.signals import Signals
from headgate.ports.web import Answer, Request, Web
from headgate.ports.wires import Wires
from headgate.testing.web import http_server

WORDS = ("hits", "fails", "quick", "paid", "carts", "crashes")
"""All requests, errors, requests within 100 ms, good cases and all cases of the share `paid`, lines of errors."""

UNIT = Unit("shop", "production", "web")
STABLE, CANARY = (Version(UNIT, digit * 64, digit * 64) for digit in "ab")
T0 = 1_700_000_000.0
PATIENT_S, HASTY_S = 30.0, 0.1
"""How long an answer is waited for: as long as a busy machine needs, and where none will come."""

Distortion = Callable[[Request, bytes], Answer]
"""What the vendor answers instead, of a request and the answer that would be right; or raises, as a web.Script may."""

Points = Sequence[tuple[int, float | None]]
"""One series: the beginning of each interval, and its count (None: null)."""


@dataclass(frozen=True)
class Asked:
    """What a request asks: queries, over a window. `most` lines of a log are wanted; 0: a count."""

    queries: tuple[str, ...]
    window: Window
    most: int = 0


@dataclass
class Stage:
    """A source under test, and the vendor it asks. Nothing happens but what `happens` says.

    `distort` makes of an answer that is right (its request, its body) what the vendor answers.
    """

    speech: "VendorSpeech"
    now: float = T0
    events: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    logged: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    distort: Distortion = lambda _, body: Answer(200, {}, body)
    asked: list[Request] = field(default_factory=list[Request])
    origin: str = ""
    signals: Any = None

    def happens(self, version: Version, **counts: int) -> None:
        """So many of each of WORDS happen now."""
        self.events += [(int(self.now), version.key, word) for word, n in counts.items() for _ in range(n)]

    def points(self, query: str, window: Window) -> list[tuple[int, float | None]]:
        """The count of `query` in each interval of `window`."""
        word = next(word for word in WORDS if word in query)
        step = self.speech.resolution_s
        found = dict.fromkeys(range(window.start, window.end, step), 0.0)
        for at, key, what in self.events:
            if what == word and key in query and window.start <= at < window.end:
                found[at - (at - window.start) % step] += 1
        return [*found.items()]

    def series(self, query: str, window: Window) -> Points | None:
        """The same, or None where the vendor would have no series."""
        points = self.points(query, window)
        return points if self.speech.zeros or any(count for _, count in points) else None

    def answer(self, request: Request) -> Answer:
        """The vendor."""
        self.asked.append(request)
        asked = self.speech.asked(request)
        if asked.most:
            texts = next((texts for key, texts in self.logged.items() if key in asked.queries[0]), ())
            return self.distort(request, self.speech.said(asked, texts[: asked.most], len(texts)))
        found = [self.series(query, asked.window) for query in asked.queries]
        return self.distort(request, self.speech.answered(asked, found))

    def passes(self) -> None:
        """Until what happened can be read."""
        self.now += self.speech.resolution_s + self.speech.lag_s

    async def read(self, version: Version = CANARY) -> Arm:
        """Read the source."""
        source: Signals = self.signals
        return await source.read(version)


Scene = Callable[[Stage], Awaitable[None]]


def answering(status: int, body: bytes, **headers: str) -> Distortion:
    """The vendor always answers so. `retry_after` is the header `retry-after`."""
    answer = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    return lambda _request, _body: answer


def raising(error: type[Exception]) -> Distortion:
    """The vendor does not answer; see `testing.web.Script`."""

    def distort(_: Request, __: bytes) -> Answer:
        raise error

    return distort


class VendorSpeech(ABC):
    """How a vendor speaks, by its public documentation, and how the plugin is told to ask it.

    Each query in the settings has one of WORDS in it, and `{version}`: so the server knows what is counted.
    """

    plugin: str
    resolution_s = 60
    lag_s = 60.0
    zeros = False
    """Whether the vendor answers 0, not an empty series, for what never happened."""

    timed = True
    """Whether a count in the vendor's answer has a time of its own."""

    secrets: Mapping[str, str] = {
        "HEADGATE_TEST_KEY": "pl4nted-key-7c1",
        "HEADGATE_TEST_OTHER": "pl4nted-other-9d2",
    }
    """Environment variables for the settings, and what they hold: it must turn up nowhere."""

    @abstractmethod
    def web(self) -> AbstractAsyncContextManager[Web]:
        """The web to ask with; it gives up within seconds."""

    @abstractmethod
    def settings(self, origin: str) -> dict[str, Any]:
        """The plugin's settings, for a vendor at `origin`: WORDS as `requests`, `errors`, `latency` (`100ms`), `means`.

        Secrets are `key()` and `other()`. Leave out `every_s`, `delay_s` and `timeout_s`.
        """

    @abstractmethod
    def asked(self, request: Request) -> Asked:
        """What the vendor makes of a request. Asserts whatever its documentation demands."""

    @abstractmethod
    def answered(self, asked: Asked, found: Sequence[Points | None]) -> bytes:
        """The vendor's answer: a series for each query, None where it has none."""

    def said(self, asked: Asked, texts: Sequence[str], total: int) -> bytes:
        """The vendor's answer to a question for log lines."""
        raise AssertionError("this vendor has no log lines")

    @abstractmethod
    def complaints(self, text: str) -> Sequence[bytes]:
        """Answers of status 200 by which the vendor says that it failed, or that something is missing, with `text`."""

    def doubled(self, asked: Asked, found: Sequence[Points | None]) -> bytes | None:
        """The answer with each series twice; None: the API has no way to say that."""
        return None

    def odd(self, asked: Asked, value: float | None) -> bytes:
        """The answer where every count is `value`."""
        steps = range(asked.window.start, asked.window.end, self.resolution_s)
        return self.answered(asked, [[(at, value) for at in steps] for _ in asked.queries])

    nulls = True
    """Whether a count can be null in the vendor's answers."""

    @staticmethod
    def key() -> dict[str, str]:
        """A secret's source, for the settings."""
        return {"kind": "env", "name": "HEADGATE_TEST_KEY"}

    @staticmethod
    def other() -> dict[str, str]:
        """Another one."""
        return {"kind": "env", "name": "HEADGATE_TEST_OTHER"}

    def full_settings(self, origin: str, timeout_s: float = PATIENT_S) -> dict[str, Any]:
        pace = {"every_s": self.resolution_s, "delay_s": self.lag_s, "timeout_s": timeout_s}
        return {**self.settings(origin), **pace}

    def play(self, scene: Scene, timeout_s: float = PATIENT_S) -> None:
        async def play() -> None:
            stage = Stage(self)
            async with http_server(stage.answer) as origin, self.web() as web:
                stage.origin = origin
                stage.signals = create("signals", self.plugin, self._wires(stage, web, timeout_s))
                await scene(stage)

        with patch.dict(os.environ, self.secrets):
            asyncio.run(play())

    def _wires(self, stage: Stage, web: Web, timeout_s: float) -> Wires:
        nothing: Any = None
        return Wires(
            Path(),
            nothing,
            nothing,
            addresses=lambda _: (),
            name=self.plugin,
            settings=self.full_settings(stage.origin, timeout_s),
            web=web,
            now=lambda: stage.now,
        )
