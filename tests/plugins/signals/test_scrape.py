"""Business signals from real HTTP endpoints."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from headgate.core.model import Arm, Mean, Version
from headgate.plugins.signals.scrape import VERSIONS_MAX, Business, ScrapeSignals
from headgate.ports import Permanent, Temporary
from tests.plugins.traffic.envoys import version

OLD = version("a")
ORDERS = Business('checkouts_total{result="completed"}', "checkouts_total")


class Page:
    """One instance's metrics endpoint."""

    def __init__(self) -> None:
        self.status = 200
        self.body = ""
        self.address = ""
        self.asked: list[str] = []
        self._server: asyncio.Server | None = None

    def counts(self, completed: int | None, failed: int = 0) -> None:
        lines = [] if completed is None else [f'checkouts_total{{result="completed"}} {completed}']
        self.body = "\n".join([*lines, f'checkouts_total{{result="failed"}} {failed}', ""])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[1])
        writer.write(
            f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(self.body)}\r\n\r\n{self.body}".encode()
        )
        writer.close()


class Fleet:
    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.business = {"orders": ORDERS}
        self.gauges: dict[str, str] = {}
        self.signals = ScrapeSignals(
            lambda _: [page.address for page in self.pages],
            lambda _: "/metrics",
            lambda _: self.business,
            self.gauges,
        )
        self._open = contextlib.AsyncExitStack()

    async def add(self) -> Page:
        page = Page()
        server = await asyncio.start_server(page.serve, "127.0.0.1", 0)
        self._open.callback(server.close)
        page.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.pages.append(page)
        return page

    async def orders(self, which: Version = OLD) -> Mean | None:
        return (await self.signals.read(which)).means.get("orders")

    async def close(self) -> None:
        await self._open.aclose()


def run(scenario: Callable[[Fleet], Awaitable[None]]) -> None:
    @contextlib.asynccontextmanager
    async def fleet() -> AsyncGenerator[Fleet]:
        made = Fleet()
        try:
            yield made
        finally:
            await made.close()

    async def inside() -> None:
        async with fleet() as made:
            await scenario(made)

    asyncio.run(inside())


def test_good_over_total_over_all_instances() -> None:
    async def scenario(fleet: Fleet) -> None:
        (await fleet.add()).counts(8, 2)
        (await fleet.add()).counts(5)
        assert await fleet.orders() == Mean(13.0, 15)
        assert fleet.pages[0].asked == ["/metrics"]

    run(scenario)


def test_no_good_case_yet_is_zero_and_no_case_at_all_is_unknown() -> None:
    async def scenario(fleet: Fleet) -> None:
        page = await fleet.add()
        page.body = "up 1\n"
        assert await fleet.orders() is None
        page.counts(None, 3)
        assert await fleet.orders() == Mean(0.0, 3)

    run(scenario)


def test_an_instance_that_starts_again_loses_nothing() -> None:
    async def scenario(fleet: Fleet) -> None:
        one, other = await fleet.add(), await fleet.add()
        one.counts(8, 2)
        other.counts(4)
        assert await fleet.orders() == Mean(12.0, 14)
        one.counts(1, 0)  # it started again, and counted one
        other.counts(6)
        assert await fleet.orders() == Mean(15.0, 17)
        fleet.pages.remove(other)
        assert await fleet.orders() == Mean(15.0, 17)

    run(scenario)


def test_an_instance_that_cannot_be_read_makes_it_unknown() -> None:
    async def scenario(fleet: Fleet) -> None:
        with pytest.raises(Temporary, match="no running instance"):
            await fleet.orders()
        one, other = await fleet.add(), await fleet.add()
        one.counts(1)
        other.counts(1)
        other.status = 500
        with pytest.raises(Temporary, match="answered 500"):
            await fleet.orders()
        other.status = 200
        assert await fleet.orders() == Mean(2.0, 2)
        other.address = "127.0.0.1:1"
        with pytest.raises(Temporary, match="refused"):
            await fleet.orders()

    run(scenario)


def test_what_will_never_be_metrics_is_permanent() -> None:
    async def scenario(fleet: Fleet) -> None:
        page = await fleet.add()
        page.status = 404
        with pytest.raises(Permanent, match="404"):
            await fleet.orders()
        page.status, page.body = 200, "<html>hello</html>"
        with pytest.raises(Permanent, match="line 1"):
            await fleet.orders()
        page.body = "checkouts_total NaN\n"
        with pytest.raises(Permanent, match="no counter"):
            await fleet.orders()
        page.counts(1)
        fleet.business = {"orders": Business("a b", "checkouts_total")}
        with pytest.raises(Permanent, match="names no metric"):
            await fleet.orders()

    run(scenario)


def test_lines_that_are_no_metrics_are_left_out_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(fleet: Fleet) -> None:
        page = await fleet.add()
        page.counts(8, 2)
        page.body = 'checkouts_total{note="never closed\n' + page.body
        assert await fleet.orders() == await fleet.orders() == Mean(8.0, 10)

    run(scenario)
    said = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert len(said) == 1
    assert "1 lines left out; line 1 is no metric" in said[0]


def test_without_business_signals_nobody_is_asked() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.business = {}
        assert await fleet.signals.read(OLD) == Arm()

    run(scenario)


def test_versions_of_long_ago_are_forgotten() -> None:
    async def scenario(fleet: Fleet) -> None:
        page = await fleet.add()
        page.counts(5)
        for n in range(VERSIONS_MAX + 1):
            await fleet.orders(Version(OLD.unit, f"{n:064x}", "0" * 64))
        assert len(fleet.signals._tallies) == VERSIONS_MAX

    run(scenario)


# --- gauges -----------------------------------------------------------------------------------------------------------


def test_a_gauge_is_shown_for_each_instance() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.business, fleet.gauges["queue"] = {}, "queue_depth"
        first, second = await fleet.add(), await fleet.add()
        first.body = 'queue_depth{queue="mail"} 3\nqueue_depth{queue="sms"} 4\n'
        second.body = "queue_depth 9\n"
        arm = await fleet.signals.read(OLD)
        assert arm.gauges == {"queue": {first.address: 7.0, second.address: 9.0}}
        assert (arm.requests, arm.means) == (0, {})
        second.body = "something_else 1\n"
        assert (await fleet.signals.read(OLD)).gauges == {"queue": {first.address: 7.0}}
        first.body = "something_else 1\n"
        assert (await fleet.signals.read(OLD)).gauges == {}

    run(scenario)


def test_a_gauge_that_is_no_number_is_named() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.business, fleet.gauges["queue"] = {}, "queue_depth"
        (await fleet.add()).body = "queue_depth NaN\n"
        with pytest.raises(Permanent, match="queue_depth is nan"):
            await fleet.signals.read(OLD)

    run(scenario)
