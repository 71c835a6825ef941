"""What every source that asks a vendor's web API must do, whatever the vendor answers.

Subclass `VendorContract` in a test file: say how the plugin is called, what its settings are, and how the vendor speaks
(the shapes of its public documentation). A local HTTP server then answers in those shapes, well and badly.
"""

import os
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from headgate.core.model import Source
from headgate.core.model.sample import since
from headgate.core.model.window import Window
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.signals import Inspectable
from headgate.ports.web import Answer, Request
from headgate.testing.vendor_stage import (
    CANARY,
    HASTY_S,
    STABLE,
    Asked,
    Distortion,
    Scene,
    Stage,
    VendorSpeech,
    answering,
    raising,
)

DAY_S = 86400


class VendorContract(VendorSpeech):
    """The promises of a source over a vendor's API."""

    def test_what_happens_is_counted_once(self) -> None:
        async def scene(stage: Stage) -> None:
            await stage.read()
            readings = [await stage.read()]
            for n in range(1, 4):
                stage.happens(CANARY, hits=10 * n, fails=n, quick=7 * n, paid=2, carts=3)
                stage.happens(STABLE, hits=1000, fails=1000, quick=1000, paid=1000, carts=1000)
                stage.passes()
                readings += [await stage.read(), await stage.read()]
            intervals = [since(readings[0], after) for after in readings[1:]]
            assert [arm.requests for arm in intervals] == [10, 10, 30, 30, 60, 60]
            assert [arm.errors for arm in intervals] == [1, 1, 3, 3, 6, 6]
            last = readings[-1]
            assert last.latency_ms is not None
            assert (last.latency_ms.le, last.latency_ms.count) == ((100.0,), (42,))
            assert (last.means["paid"].sum, last.means["paid"].n) == (6.0, 9)

        self.play(scene)

    def test_nothing_is_asked_between_windows(self) -> None:
        async def scene(stage: Stage) -> None:
            await stage.read()
            asked = len(stage.asked)
            assert asked
            for _ in range(10):
                await stage.read()
            assert len(stage.asked) == asked

        self.play(scene)

    def test_a_refusal_is_permanent(self) -> None:
        async def scene(stage: Stage) -> None:
            for status in (400, 401, 403, 404):
                stage.distort = answering(status, b'{"message": "no"}')
                with pytest.raises(Permanent, match=str(status)):
                    await stage.read()
                stage.now += 10

        self.play(scene)

    def test_trouble_passes_and_loses_nothing(self) -> None:
        self.play(self._spoilt([answering(status, b"busy", retry_after="0") for status in (429, 500, 503)]))

    def test_retry_after_is_heeded(self) -> None:
        async def scene(stage: Stage) -> None:
            stage.distort = answering(429, b"slow down", retry_after="120")
            with pytest.raises(Temporary, match="429"):
                await stage.read()
            asked = len(stage.asked)
            stage.now += 30
            with pytest.raises(Temporary):
                await stage.read()
            assert len(stage.asked) == asked

        self.play(scene)

    def test_no_answer_is_unknown(self) -> None:
        self.play(self._spoilt([raising(ConnectionError), raising(EOFError)]))

    def test_silence_is_unknown(self) -> None:
        async def scene(stage: Stage) -> None:
            stage.distort = raising(TimeoutError)
            with pytest.raises(Temporary):
                await stage.read()

        self.play(scene, HASTY_S)

    def test_half_an_answer_is_unknown(self) -> None:
        def cut(share: float) -> Distortion:
            return lambda _, body: Answer(200, {}, body[: int(len(body) * share)])

        self.play(self._spoilt([cut(share) for share in (0.05, 0.5, 0.95)]))

    def test_another_shape_is_unknown(self) -> None:
        bodies = [
            b"{}",
            b"[]",
            b"[1]",
            b'"ok"',
            b"null",
            b"7",
            b'{"data": 7}',
            b"<html>Log in</html>\n",
            b"\xff",
        ]
        self.play(self._spoilt([answering(200, body) for body in bodies]))

    def test_what_the_vendor_says_of_itself_is_told(self) -> None:
        bodies = self.complaints("index is red")
        self.play(self._spoilt([answering(200, body) for body in bodies]))

    def test_no_series_is_unknown_and_nothing_is_lost(self) -> None:
        if self.zeros:
            pytest.skip("this vendor answers 0 for what it never saw")

        async def scene(stage: Stage) -> None:
            await stage.read()
            stage.passes()
            with pytest.raises(Temporary, match="no traffic, or the query"):
                await stage.read()
            stage.happens(CANARY, hits=4)
            stage.passes()
            arm = await stage.read()
            assert (arm.requests, arm.errors, arm.means) == (4, 0, {})

        self.play(scene)

    def test_zero_is_zero_where_the_vendor_says_so(self) -> None:
        if not self.zeros:
            pytest.skip("this vendor has no series for what never happened")

        async def scene(stage: Stage) -> None:
            await stage.read()
            stage.passes()
            assert (await stage.read()).requests == 0
            source: Inspectable = stage.signals
            looks = await source.inspect(CANARY)
            assert "nothing was counted" in looks[0].problem

        self.play(scene)

    def test_two_series_are_unknown(self) -> None:
        async def scene(stage: Stage) -> None:
            await stage.read()
            stage.happens(CANARY, hits=4, fails=1, quick=1, paid=1, carts=1)
            stage.passes()
            stage.distort = lambda request, _: Answer(200, {}, self._doubled(stage, request))
            with pytest.raises(Temporary, match=r"series answered where one|more than one"):
                await stage.read()

        asked = Asked(("hits",), Window(0, self.resolution_s))
        if self.doubled(asked, [[(0, 1.0)]]) is None:
            pytest.skip("this API answers each question once")
        self.play(scene)

    def test_what_is_no_count_is_unknown(self) -> None:
        async def scene(stage: Stage) -> None:
            stage.distort = lambda request, _: Answer(200, {}, self.odd(self.asked(request), -1.0))
            with pytest.raises(Temporary, match="is no count"):
                await stage.read()

        self.play(scene)

    def test_null_is_not_zero(self) -> None:
        if not self.nulls:
            pytest.skip("this API has no null")

        async def scene(stage: Stage) -> None:
            await stage.read()
            stage.distort = lambda request, _: Answer(200, {}, self.odd(self.asked(request), None))
            stage.passes()
            with pytest.raises(Temporary):
                await stage.read()

        self.play(scene)

    def test_times_that_were_not_asked_for_are_unknown(self) -> None:
        if not self.timed:
            pytest.skip("a count has no time in this vendor's answers")

        async def scene(stage: Stage) -> None:
            await stage.read()
            stage.happens(CANARY, hits=4, fails=1, quick=1, paid=1, carts=1)
            stage.passes()
            for skew_s in (-DAY_S, DAY_S):
                stage.distort = self._skewing(stage, skew_s)
                with pytest.raises(Temporary, match=r"outside of what was asked|another time than asked"):
                    await stage.read()
                stage.now += 10

        self.play(scene)

    def test_inspection_shows_every_question_and_never_raises(self) -> None:
        async def scene(stage: Stage) -> None:
            stage.now -= stage.speech.resolution_s
            stage.happens(CANARY, hits=5, fails=1, quick=4, paid=1, carts=2)
            stage.now += 2 * stage.speech.resolution_s + stage.speech.lag_s
            source: Inspectable = stage.signals
            counts = {
                "requests": "5",
                "errors": "1",
                "latency 100ms": "4",
                "means.paid.good": "1",
                "means.paid.total": "2",
            }
            looks = await source.inspect(CANARY)
            shown = {look.question.partition(": ")[0]: look.answer.partition(" ")[0] for look in looks}
            assert {name: shown[name] for name in counts} == counts
            assert all(CANARY.key in look.question and not look.problem for look in looks)
            stage.distort = answering(403, b"no")
            assert all("403" in look.problem for look in await source.inspect(CANARY))

        self.play(scene)

    def test_no_secret_is_told(self) -> None:
        used = {name for name in self.secrets if name in str(self.settings(""))}
        secrets = [secret for name, secret in self.secrets.items() if name in used]
        spilled = " ".join(secrets)
        told: list[str] = []

        async def scene(stage: Stage) -> None:
            source: Inspectable = stage.signals
            for distort in self._troubles(spilled):
                stage.distort = distort
                with pytest.raises(PortError) as raised:
                    await stage.read()
                told.extend([str(raised.value), repr(raised.value)])
                told.extend(repr(look) for look in await source.inspect(CANARY))
                stage.now += 60
            declared = Source(
                stage.speech.plugin, stage.speech.plugin, self.full_settings("http://localhost")
            )
            told.append(msgspec.json.encode(declared).decode())
            told.append(repr(stage.signals.__dict__))
            assert any(
                secret in str((request.headers, request.url)) or "authorization" in request.headers
                for request in stage.asked
                for secret in secrets
            ), "the vendor was not told who asks"

        self.play(scene)
        for secret in secrets:
            assert not [text for text in told if secret in text]

    def test_a_secret_that_is_missing_is_named(self) -> None:
        async def scene(stage: Stage) -> None:
            for name in self.secrets:
                del os.environ[name]
            with pytest.raises(Permanent, match="HEADGATE_TEST_"):
                await stage.read()

        self.play(scene)

    def _troubles(self, spilled: str) -> list[Distortion]:
        bodies = [spilled.encode(), *self.complaints(spilled), b'{"' + spilled.encode() + b'": 1}']
        refusals = [answering(status, bodies[0]) for status in (401, 403, 404, 429, 500)]
        answers = [answering(200, body) for body in bodies]
        return [*answers, *refusals, raising(ConnectionError), raising(EOFError)]

    def _spoilt(self, distortions: Sequence[Distortion]) -> Scene:
        """A scene in which answers are spoilt, one way after the other: unknown each time, and nothing is lost."""

        async def scene(stage: Stage) -> None:
            good = stage.distort
            await stage.read()
            for n, distortion in enumerate(distortions, 1):
                stage.happens(CANARY, hits=3, fails=1, quick=1, paid=1, carts=1)
                stage.passes()
                stage.distort = distortion
                with pytest.raises(PortError):
                    await stage.read()
                stage.distort = good
                stage.now += 60
                assert (await stage.read()).requests == 3 * n

        return scene

    def _doubled(self, stage: Stage, request: Request) -> bytes:
        asked = self.asked(request)
        body = self.doubled(asked, [stage.points(query, asked.window) for query in asked.queries])
        assert body is not None
        return body

    def _skewing(self, stage: Stage, skew_s: int) -> Distortion:
        def distort(request: Request, _: bytes) -> Answer:
            asked = self.asked(request)
            window = Window(asked.window.start + skew_s, asked.window.end + skew_s)
            found = [
                [(at + skew_s, count) for at, count in stage.points(query, asked.window)]
                for query in asked.queries
            ]
            return Answer(200, {}, self.answered(replace(asked, window=window), found))

        return distort
