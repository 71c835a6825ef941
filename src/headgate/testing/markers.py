"""What every marker must do. Subclass `MarkerContract` in a test file; say how yours is made, and play its system.

The system is a local HTTP server that answers from `Vendor.answer`, with the shapes of its documentation; a request
without the right credential (`SECRET`) should be answered as the real one would.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
import pytest

from headgate.core.story.timeline import Remark, TimelinePart
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.marker import Mark, MarkedService, Marker
from headgate.ports.web import Answer, Request, Web
from headgate.ports.wires import Wires
from headgate.testing.web import http_server

SECRET = "pl4nted-s3cret-of-a-marker"  # noqa: S105 - made up, and looked for
VARIABLE = "HEADGATE_MARKER_SECRET"
FROM_ENVIRONMENT = {"kind": "env", "name": VARIABLE}
"""The value of a setting that says where a secret is."""

STARTED_AT = 1_750_000_000.0
COMMIT = "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb"
STARTED = Mark(
    moment="started",
    release="r7",
    project="shop",
    environment="production",
    services=(MarkedService("web", "1f0c9a3b5d7e-11223344", "a1b2c3d4e5f6-55667788", "v2", COMMIT),),
    author="ada",
    reason="new checkout",
    phase="preparing",
    outcome=None,
    started_at=STARTED_AT,
    at=STARTED_AT,
)
HELD = replace(STARTED, moment="updated", phase="held", at=STARTED_AT + 30)
PARTS = (
    TimelinePart("canary 5%", "expose", "web", STARTED_AT + 2, STARTED_AT + 3),
    TimelinePart(
        "bake 30 s",
        "bake",
        "web",
        STARTED_AT + 3,
        STARTED_AT + 41,
        remarks=(Remark(STARTED_AT + 40, "verdict", {"kind": "fail", "reason": "errors"}),),
    ),
)
ROLLED_BACK = replace(
    STARTED,
    moment="ended",
    phase="rolled back",
    outcome="rolled_back",
    reason="9% errors, 1% on stable",
    at=STARTED_AT + 42,
    ended_at=STARTED_AT + 42,
    parts=PARTS,
)
PROMOTED = replace(ROLLED_BACK, phase="promoted", outcome="promoted", reason="")
STORY = (STARTED, HELD, ROLLED_BACK)
_TIMEOUT_S = 0.3
_HALF = b'{"id": 1, "data": {"na'


class Vendor(Protocol):
    """One system, played."""

    def answer(self, request: Request) -> Answer:
        """What it answers to a request; see testing.web.Script."""
        ...

    def marks(self) -> Sequence[object]:
        """The marks it shows, one after the other, as JSON values."""
        ...


Attempt = Callable[[Marker], Awaitable[None]]


async def _told_once(marker: Marker) -> None:
    """The start of a release is told, and that is no trouble."""
    await marker.mark(STARTED, "")


class MarkerContract(ABC):
    """The promises of ports.Marker. `moments_max` marks a release leaves at most: 2 where none can be changed.

    `finds_its_own`: a mark is found again when its reference was lost. `tells_at_the_end`: nothing is written before.
    `refuses_empty_answers`: its answers name the mark, so that one which does not is none.
    `reads_answers`: what an answer says counts; else its status alone does, and a body in pieces is no trouble.
    """

    moments_max: int = 1
    finds_its_own: bool = False
    tells_at_the_end: bool = False
    refuses_empty_answers: bool = True
    reads_answers: bool = True

    @abstractmethod
    def web(self) -> AbstractAsyncContextManager[Web]:
        """The real web, quick to give up."""

    @abstractmethod
    def vendor(self) -> Vendor:
        """The system, without any mark."""

    @abstractmethod
    def create(self, wires: Wires) -> Marker:
        """The plugin's factory."""

    @abstractmethod
    def settings(self, origin: str) -> dict[str, Any]:
        """What a project file says of it, with its address; every secret is `FROM_ENVIRONMENT`."""

    @pytest.fixture(autouse=True)
    def _secret(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Generator[None]:
        caplog.set_level("DEBUG", "headgate")
        monkeypatch.setenv(VARIABLE, SECRET)
        yield
        assert SECRET not in caplog.text

    # --- one mark ------------------------------------------------------------------------------------------------

    def test_a_release_leaves_its_mark(self) -> None:
        vendor = self.vendor()
        self._told(vendor, STORY)
        assert 1 <= len(vendor.marks()) <= self.moments_max
        assert "r7" in _text(vendor.marks())

    def test_a_promoted_one_does_too(self) -> None:
        vendor = self.vendor()
        self._told(vendor, (STARTED, PROMOTED))
        assert 1 <= len(vendor.marks()) <= self.moments_max

    def test_the_same_mark_twice_is_one_mark(self) -> None:
        once, twice = self.vendor(), self.vendor()
        self._told(once, STORY)
        self._told(twice, tuple(mark for mark in STORY for _ in range(2)))
        assert len(twice.marks()) == len(once.marks())

    def test_a_mark_whose_reference_was_lost_is_found(self) -> None:
        if not self.finds_its_own:
            pytest.skip("this system has no way to look for it")
        vendor = self.vendor()

        async def attempt(marker: Marker) -> None:
            await marker.mark(STARTED, "")
            await marker.mark(STARTED, "")
            await marker.mark(ROLLED_BACK, "")

        self._run(vendor.answer, attempt)
        assert len(vendor.marks()) == 1

    def test_releases_do_not_share_a_mark(self) -> None:
        vendor = self.vendor()
        self._told(vendor, STORY)
        alone = len(vendor.marks())
        self._told(vendor, tuple(replace(m, release="r8", started_at=m.started_at + 900) for m in STORY))
        assert len(vendor.marks()) == 2 * alone

    def test_an_end_alone_is_told(self) -> None:
        """The marker was added while the release was under way, or its start could not be told."""
        vendor = self.vendor()
        self._told(vendor, (ROLLED_BACK,))
        assert len(vendor.marks()) == 1

    # --- trouble -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(status, Permanent) for status in (400, 401, 403, 404, 409, 422)]
        + [(status, Temporary) for status in (408, 429, 500, 503)],
    )
    def test_a_refusal_is_typed(self, status: int, kind: type[PortError]) -> None:
        said = f'{{"message": "no: {SECRET}"}}'.encode()
        error = self._refused(lambda _: Answer(status, {"retry-after": "0"}, said))
        assert isinstance(error, kind), error
        assert str(status) in str(error)

    @pytest.mark.parametrize("trouble", [ConnectionError, EOFError, TimeoutError])
    def test_no_answer_is_temporary(self, trouble: type[Exception]) -> None:
        def script(_: Request) -> Answer:
            raise trouble

        assert isinstance(self._refused(script, impatient=trouble is TimeoutError), Temporary)

    def test_an_answer_that_was_cut_off_is_told(self) -> None:
        def half(_: Request) -> Answer:
            return Answer(200, {"content-type": "application/json"}, _HALF)

        if self.reads_answers:
            self._refused(half)
        else:
            self._run(half, _told_once)

    def test_an_answer_without_the_mark_is_no_mark(self) -> None:
        """A page of a proxy, or the wrong address: 200 alone proves nothing."""
        if not self.refuses_empty_answers:
            pytest.skip("its answer has nothing that could be checked")
        self._refused(lambda _: Answer(200, {"content-type": "application/json"}, b"{}"))

    def test_a_missing_secret_is_told_by_its_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(VARIABLE)
        error = self._refused(self.vendor().answer)
        assert isinstance(error, Permanent)
        assert VARIABLE in str(error)

    def test_after_trouble_the_mark_is_one(self) -> None:
        vendor = self.vendor()
        self._refused(lambda _: Answer(503, {}, b""))
        self._told(vendor, STORY)
        assert len(vendor.marks()) <= self.moments_max

    def test_a_wrong_setting_is_named_and_not_shown(self) -> None:
        for wrong in ({"nonsense": SECRET}, {"url": 5}):
            settings = self.settings("http://127.0.0.1:1") | wrong
            with pytest.raises(Permanent) as raised:
                self.create(self._wires(_NoWeb(), settings))
            assert next(iter(wrong)) in str(raised.value)
            assert SECRET not in str(raised.value)

    # --- how -----------------------------------------------------------------------------------------------------

    def _told(self, vendor: Vendor, marks: Sequence[Mark]) -> None:
        async def attempt(marker: Marker) -> None:
            reference = ""
            for mark in marks:
                reference = await marker.mark(mark, reference)
                assert SECRET not in reference

        self._run(vendor.answer, attempt)

    def _refused(self, script: Callable[[Request], Answer], *, impatient: bool = False) -> PortError:
        mark = ROLLED_BACK if self.tells_at_the_end else STARTED
        found: list[PortError] = []

        async def attempt(marker: Marker) -> None:
            with pytest.raises(PortError) as raised:
                await marker.mark(mark, "")
            found.append(raised.value)

        self._run(script, attempt, impatient=impatient)
        assert SECRET not in str(found[0])
        return found[0]

    def _run(self, script: Callable[[Request], Answer], attempt: Attempt, *, impatient: bool = False) -> None:
        async def run() -> None:
            async with http_server(script) as origin, self.web() as web:
                wires = self._wires(_Impatient(web) if impatient else web, self.settings(origin))
                await attempt(self.create(wires))

        asyncio.run(run())

    @staticmethod
    def _wires(web: Web, settings: dict[str, Any]) -> Wires:
        nothing = cast("Any", None)
        return Wires(
            Path(),
            nothing,
            nothing,
            addresses=lambda _: (),
            name="marks",
            settings=settings,
            web=web,
            now=lambda: STARTED_AT,
        )


@dataclass
class _Impatient:
    """A web that waits a moment only: silence takes no test's time."""

    web: Web

    async def ask(self, request: Request) -> Answer:
        """See ports.Web."""
        return await self.web.ask(replace(request, timeout_s=min(request.timeout_s, _TIMEOUT_S)))


class _NoWeb:
    async def ask(self, request: Request) -> Answer:
        """Nobody asks."""
        raise AssertionError(f"nobody should ask {request.url}")


def _text(marks: Sequence[object]) -> str:
    return msgspec.json.encode(list(marks)).decode()
