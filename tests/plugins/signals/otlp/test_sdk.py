"""The real OpenTelemetry SDK sends; what is read must be what happened."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.trace import SpanKind, Status, StatusCode

from headgate.core.model import Mean, Version
from headgate.plugins.vendors.otlp.source import OtlpSignals
from headgate.ports import Artifact, Permanent, Provenance, Temporary
from headgate.ports.registry import create
from headgate.ports.wires import Wires
from headgate.testing.signals import Measured, SignalsContract
from tests.plugins.signals.otlp.senders import NEW, OLD, Place, Sender, place


def run(scenario: Callable[[Place], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with place(time.time) as made:
            await scenario(made)

    asyncio.run(opened())


class Sdk:
    """Both versions send metrics; each request is exported at once."""

    versions = (OLD, NEW)

    def __init__(self, signals: OtlpSignals, senders: dict[Version, Sender]) -> None:
        self.signals = signals
        self._senders = senders

    async def requests(self, version: Version, good: int, bad: int) -> None:
        sender = self._senders[version]
        for status in [200] * good + [503] * bad:
            sender.answer(status)
        await sender.flush()


class TestMetrics(SignalsContract):
    def measured(self) -> AbstractAsyncContextManager[Measured]:
        return self.opened()

    @contextlib.asynccontextmanager
    async def opened(self, **options: bool) -> AsyncGenerator[Measured]:
        async with place(time.time) as made:
            source = made.source()
            senders = {version: made.sender(version, **options) for version in (OLD, NEW)}
            for sender in senders.values():
                await sender.flush()
            yield Sdk(source, senders)


class TestExponentialDeltas(TestMetrics):
    def measured(self) -> AbstractAsyncContextManager[Measured]:
        return self.opened(exponential=True, delta=True)


@pytest.mark.parametrize("exponential", [False, True])
@pytest.mark.parametrize("delta", [False, True])
def test_latencies_are_counted_below_their_bounds(exponential: bool, delta: bool) -> None:  # noqa: FBT001
    async def scenario(made: Place) -> None:
        source, sender = made.source(), made.sender(OLD, delta=delta, exponential=exponential)
        for seconds in (0.001, 0.02, 0.03, 0.4):
            sender.answer(200, seconds)
            await sender.flush()
        sender.answer(200, 4.0)
        await sender.flush()
        latency = (await source.read(OLD)).latency_ms
        assert latency is not None
        count = dict(zip(latency.le, latency.count, strict=True))
        assert (count[10.0], count[50.0], count[100.0], count[500.0]) == (1, 3, 3, 4)
        assert not exponential or count[60_000.0] == 5

    run(scenario)


def test_a_counter_without_latencies_will_do() -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(metric="answers"), made.sender(OLD)
        answers = sender.meter.create_counter("answers")
        answers.add(5, {"http.response.status_code": 200})
        answers.add(2, {"http.response.status_code": 500})
        answers.add(1, {"error.type": "TimeoutError"})
        await sender.flush()
        arm = await source.read(OLD)
        assert (arm.requests, arm.errors, arm.latency_ms) == (8, 3, None)

    run(scenario)


def test_instances_are_told_apart_and_one_that_restarts_loses_nothing() -> None:
    async def scenario(made: Place) -> None:
        source = made.source()
        for instance in ("one", "two", "one"):
            sender = made.sender(OLD, instance=instance)
            sender.answer(200)
            sender.answer(500)
            await sender.flush()
        arm = await source.read(OLD)
        assert (arm.requests, arm.errors) == (6, 3)
        assert {name: counts.requests for name, counts in arm.instances.items()} == {"one": 4, "two": 2}

    run(scenario)


def test_a_process_that_was_there_before_us_counts_from_now_on() -> None:
    async def scenario(made: Place) -> None:
        sender = made.sender(OLD)
        for _ in range(100):
            sender.answer(500)
        source = made.source()
        await sender.flush()
        assert (await source.read(OLD)).requests == 0
        sender.answer(200)
        await sender.flush()
        arm = await source.read(OLD)
        assert (arm.requests, arm.errors) == (1, 0)

    run(scenario)


def test_spans_are_counted_when_their_trace_is_complete() -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(measure="traces", trace_wait_s=300.0), made.sender(OLD)
        for failed in (False, True, False):
            sender.serve(failed=failed)
        await sender.flush()
        assert (await source.read(OLD)).requests == 0
        made.clock.ahead_s = 301.0
        arm = await source.read(OLD)
        assert (arm.requests, arm.errors) == (3, 1)
        assert arm.latency_ms is not None
        assert arm.latency_ms.count[-1] == 3

    run(scenario)


@pytest.mark.parametrize(("errors", "web"), [("boundary", 0), ("all", 1)])
def test_an_error_is_charged_to_the_service_it_began_in(errors: str, web: int) -> None:
    async def scenario(made: Place) -> None:
        source = made.source(measure="traces", errors=errors)
        payments = made.source(measure="traces", errors=errors, service="payments")
        caller, callee = made.sender(OLD), made.sender(NEW, service="payments")
        with caller.tracer.start_as_current_span("GET /buy", kind=SpanKind.SERVER) as above:
            with caller.tracer.start_as_current_span("POST", kind=SpanKind.CLIENT) as call:
                context = trace.set_span_in_context(call)
                with callee.tracer.start_as_current_span("POST", context, SpanKind.SERVER) as below:
                    below.set_status(Status(StatusCode.ERROR))
                call.set_status(Status(StatusCode.ERROR))
            above.set_status(Status(StatusCode.ERROR))
        await callee.flush()
        await caller.flush()
        made.clock.ahead_s = 11.0
        assert (await source.read(OLD)).errors == web
        assert (await payments.read(NEW)).errors == 1

    run(scenario)


def test_logs_are_counted_by_severity() -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(measure="logs", mean="clean"), made.sender(OLD)
        for severity in (
            SeverityNumber.INFO,
            SeverityNumber.WARN,
            SeverityNumber.ERROR,
            SeverityNumber.FATAL,
        ):
            sender.log(severity)
        await sender.flush()
        arm = await source.read(OLD)
        assert (arm.requests, arm.errors, arm.means) == (4, 2, {"clean": Mean(2.0, 4)})

    run(scenario)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_packed_or_not(compression: Compression) -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(), made.sender(OLD, compression=compression)
        sender.answer(200)
        await sender.flush()
        assert (await source.read(OLD)).requests == 1

    run(scenario)


def test_silence_is_unknown_and_never_zero() -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(), made.sender(OLD)
        with pytest.raises(Temporary, match="nothing at all has come there"):
            await source.read(OLD)
        await sender.flush()
        assert (await source.read(OLD)).requests == 0
        made.clock.ahead_s = 700.0
        with pytest.raises(
            Temporary, match=r"no metrics from web aaaaaaaaaaaa-00000000 in production .* for 7\d\d s"
        ):
            await source.read(OLD)
        await sender.flush()
        assert (await source.read(OLD)).requests == 0
        with pytest.raises(
            Temporary, match=r"no logs from .*what came is from 'web' version 'aaaaaaaaaaaa-00000000'"
        ):
            await made.source(measure="logs").read(NEW)

    run(scenario)


def test_a_label_names_a_version_while_it_is_the_only_one() -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(), made.sender(OLD, name="v7")
        sender.answer(200)
        await sender.flush()
        made.labels[OLD] = "v7"
        assert (await source.read(OLD)).requests == 1
        made.labels[NEW] = "v7"
        with pytest.raises(Temporary):
            await source.read(NEW)

    run(scenario)


def test_another_environment_is_another_version() -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(), made.sender(OLD, environment="staging")
        sender.answer(200)
        await sender.flush()
        with pytest.raises(Temporary, match="in 'staging'"):
            await source.read(OLD)

    run(scenario)


def test_what_cannot_be_counted_makes_a_version_unknown() -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(metric="strange"), made.sender(OLD)
        sender.meter.create_gauge("strange").set(3)
        await sender.flush()
        with pytest.raises(Temporary, match="strange is a gauge"):
            await source.read(OLD)
        (look,) = await source.inspect(OLD)
        assert "strange is a gauge" in look.problem
        assert (await made.source().read(OLD)).requests == 0  # another metric is whole

    run(scenario)


def test_inspect_shows_what_there_is() -> None:
    async def scenario(made: Place) -> None:
        source, sender = made.source(), made.sender(OLD)
        await sender.flush()
        (empty,) = await source.inspect(OLD)
        assert empty.problem == "nothing counted yet"
        sender.answer(500)
        await sender.flush()
        (look,) = await source.inspect(OLD)
        assert (look.answer, look.problem) == ("1 requests, 1 errors, of 1 instances", "")
        (silent,) = await source.inspect(NEW)
        assert "no metrics from web bbbb" in silent.problem

    run(scenario)


def test_it_is_made_by_the_registry_and_knows_the_label_of_an_artifact() -> None:
    class Shelf:
        """As much of the artifacts as is asked."""

        def find(self, name: str) -> Artifact:
            if name != OLD.artifact:
                raise Permanent("no such artifact")
            return Artifact(name, 1, 1, Provenance(0.0, "me", label="v7"))

    async def scenario(made: Place) -> None:
        unused: Any = None
        shelf: Any = Shelf()
        wires = Wires(
            Path(), unused, shelf, unused, settings={"listen": made.listen}, serve=made.receiving.serve
        )
        source = create("signals", "otlp", wires)
        sender = made.sender(OLD, name="v7")
        sender.answer(200)
        await sender.flush()
        assert (await source.read(OLD)).requests == 1
        with pytest.raises(Temporary, match="version 'v7'"):
            await source.read(NEW)
        with pytest.raises(Permanent, match="needs a controller that listens"):
            create("signals", "otlp", replace(wires, serve=None))

    run(scenario)
