"""Queries against a real PostgreSQL."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import psycopg
import pytest

from headgate.core.model import Mean, Unit, Version
from headgate.plugins.signals.sql import PARAMETERS, Settings, SqlSignals
from headgate.ports import Permanent, PortError, Temporary
from headgate.ports.reach import Bounds, bounds_of
from headgate.testing.signals import Measured, SignalsContract
from tests.plugins.signals.sql.server import PASSWORD, Server, server

pytestmark = pytest.mark.xdist_group("postgresql")

UNIT = Unit("shop", "production", "web")
OLD, NEW = (Version(UNIT, letter * 64, "0" * 64) for letter in "ab")

PAID = """select sum(least(paid, 1)) as sum, count(*) as n from orders
          where version = %(version)s and created_at >= %(since)s"""
COUNTS = """select count(o.version) as requests, count(*) filter (where o.failed) as errors
            from versions v left join orders o on o.version = v.key where v.key = %(version)s group by v.key"""


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with server() as made:
        yield made


@pytest.fixture
def shop(database: Server) -> Server:
    database.admin("truncate orders", "truncate versions")
    for version in (OLD, NEW):
        database.admin("insert into versions values (%(key)s)", key=version.key)
    return database


@contextlib.asynccontextmanager
async def source(
    where: Server, *, counts: str = "", password: str = PASSWORD, timeout_s: float = 30.0, **means: str
) -> AsyncGenerator[SqlSignals]:
    settings = Settings(
        host=str(where.folder),
        database="postgres",
        user="reader",
        counts=counts,
        means=means,
        timeout_s=timeout_s,
    )
    made = SqlSignals(settings, lambda: password)
    try:
        yield made
    finally:
        await made.aclose()


def order(where: Server, version: Version, paid: float = 1.0, *, failed: bool = False, n: int = 1) -> None:
    where.admin(
        """insert into orders (version, paid, failed)
           select %(key)s, %(paid)s, %(failed)s from generate_series(1, %(n)s)""",
        key=version.key,
        paid=paid,
        failed=failed,
        n=n,
    )


class Shop:
    versions = (OLD, NEW)

    def __init__(self, where: Server, signals: SqlSignals) -> None:
        self._where = where
        self.signals = signals

    async def requests(self, version: Version, good: int, bad: int) -> None:
        order(self._where, version, n=good)
        order(self._where, version, failed=True, n=bad)


class TestContract(SignalsContract):
    @pytest.fixture(autouse=True)
    def _shop(self, shop: Server) -> None:
        self._where = shop

    def measured(self) -> AbstractAsyncContextManager[Measured]:
        @contextlib.asynccontextmanager
        async def opened() -> AsyncGenerator[Measured]:
            async with source(self._where, counts=COUNTS) as signals:
                yield Shop(self._where, signals)

        return opened()


def read(where: Server, version: Version = OLD, **options: Any) -> dict[str, Mean]:  # noqa: ANN401 - of `source`
    async def once() -> dict[str, Mean]:
        async with source(where, **options) as signals:
            return (await signals.read(version)).means

    return asyncio.run(once())


def test_totals_are_counted_from_the_first_reading_on(shop: Server) -> None:
    async def scenario() -> None:
        async with source(shop, paid=PAID) as signals:
            order(shop, OLD, n=50)
            assert (await signals.read(OLD)).means == {"paid": Mean(0.0, 0)}
            order(shop, OLD, 0.5, n=4)
            order(shop, NEW, n=9)
            assert (await signals.read(OLD)).means == {"paid": Mean(2.0, 4)}
            (look,) = await signals.inspect(OLD)
            assert (look.answer, look.problem) == ("sum 2, n 4", "")

    asyncio.run(scenario())


def test_every_parameter_is_given_and_never_as_text(shop: Server) -> None:
    strange = Version(Unit("s'; drop table orders; --", "p%s", 'w"eb'), "c" * 64, "d" * 64)
    query = """with t as (select %(project)s, %(environment)s, %(service)s, %(version)s, %(artifact)s,
               %(configuration)s, %(since)s where '%%' = '%%') select count(*) as n, count(*) as sum from t"""
    assert all(f"%({name})s" in query for name in PARAMETERS)
    assert read(shop, strange, all=query) == {"all": Mean(1.0, 1)}
    equal = "select 1 as n, (%(project)s::text = 's''; drop table orders; --')::int as sum where %(version)s != ''"
    assert read(shop, strange, same=equal) == {"same": Mean(1.0, 1)}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("insert into orders values (%(version)s) returning 1 as sum, 1 as n", "read-only transaction"),
        (
            "select 1 as sum, 1 as n, %(version)s; commit; delete from orders",
            "cannot insert multiple commands",
        ),
        ("select nothing from nowhere where %(version)s = ''", "does not exist"),
        ("select rolname as sum, 1 as n from pg_authid where %(version)s != ''", "permission denied"),
        ("selekt %(version)s", "syntax error"),
        ("select 1 as total where %(version)s != ''", "must give the columns sum and n, and gave total"),
        ("select 1 as sum, 1 as n, %(version)s as version", "must give the columns"),
        ("select 1 as sum, 1 as n from generate_series(1, 2) where %(version)s != ''", "more than one row"),
        ("select 1/0 as sum, 1 as n where %(version)s != ''", "division by zero"),
    ],
)
def test_a_query_that_is_wrong(shop: Server, query: str, problem: str) -> None:
    order(shop, OLD, n=3)
    with pytest.raises(Permanent, match=problem):
        read(shop, bad=query)
    assert (
        read(shop, all="select 0 as sum, count(*) as n from orders where version = %(version)s")["all"].n == 3
    )


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("null::int as sum, 3 as n", "expected a number"),
        ("'nan'::float as sum, 3 as n", "expected a number"),
        ("'x' as sum, 3 as n", "expected a number"),
        ("1 as sum, 2.5 as n", "whole numbers"),
        ("1 as sum, -2 as n", "whole numbers"),
        ("1 as sum, null::int as n", "expected a number"),
        ("true as sum, 1 as n", "expected a number"),
    ],
)
def test_an_answer_that_cannot_be(shop: Server, columns: str, problem: str) -> None:
    with pytest.raises(Temporary, match=problem):
        read(shop, bad=f"select {columns} where %(version)s != ''")


def test_the_sum_of_nothing_is_zero(shop: Server) -> None:
    assert read(shop, paid=PAID) == {"paid": Mean(0.0, 0)}


def test_no_row_is_unknown(shop: Server) -> None:
    with pytest.raises(Temporary, match="gave no row for web@aaaaaaaaaaaa-00000000"):
        read(shop, none="select 1 as sum, 1 as n from versions where key = %(version)s || 'x'")


def test_totals_that_fall_are_unknown_until_they_are_back(shop: Server) -> None:
    async def scenario() -> None:
        query = "select count(*) as sum, count(*) as n from orders where version = %(version)s"
        async with source(shop, all=query) as signals:
            order(shop, OLD, n=5)
            assert (await signals.read(OLD)).means["all"].n == 5
            shop.admin("truncate orders")
            order(shop, OLD, n=2)
            with pytest.raises(Temporary, match="fell from 5 to 2"):
                await signals.read(OLD)
            order(shop, OLD, n=4)
            assert (await signals.read(OLD)).means["all"].n == 6

    asyncio.run(scenario())


def test_a_slow_query_is_cancelled_there(shop: Server) -> None:
    query = "select 1 as sum, 1 as n, pg_sleep(60) is null where %(version)s != ''"
    with pytest.raises(Temporary, match=r"did not answer within 0\.2 s|too slow"):
        read(shop, slow=query, timeout_s=0.2)
    running = (
        "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and pid != pg_backend_pid()"
    )
    deadline = time.monotonic() + 50
    with psycopg.connect(
        host=str(shop.folder), dbname="postgres", user="admin", autocommit=True
    ) as connection:
        while connection.execute(running.encode()).fetchone() != (0,):
            assert time.monotonic() < deadline, "the query still runs"


def test_it_comes_back_when_the_database_does(shop: Server) -> None:
    async def scenario() -> None:
        async with source(shop, paid=PAID) as signals:
            await signals.read(OLD)
            order(shop, OLD)
            await asyncio.to_thread(shop.stop, signal.SIGQUIT)
            with pytest.raises(Temporary, match="paid, asked of postgres at"):
                await signals.read(OLD)
            with pytest.raises(Temporary, match="paid, asked of postgres at"):
                await signals.read(OLD)
            await asyncio.to_thread(shop.start)
            assert (await signals.read(OLD)).means["paid"].n == 1

    asyncio.run(scenario())


def test_one_connection_is_kept(shop: Server) -> None:
    async def scenario() -> None:
        query = "select pg_backend_pid() as sum, 1 as n where %(version)s != ''"
        async with source(shop, pid=query) as signals:
            arms = [
                await signals.read(OLD),
                *await asyncio.gather(*(signals.read(one) for one in (OLD, NEW))),
            ]
            assert len({arm.means["pid"].sum for arm in arms}) == 1

    asyncio.run(scenario())


def test_the_password_is_told_to_nobody(shop: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wr0ng-" + PASSWORD
    with pytest.raises(PortError, match="password authentication failed") as refused:
        read(shop, paid=PAID, password=wrong)
    with pytest.raises(PortError) as echoed:
        read(shop, bad=f"select '{PASSWORD}'::int as sum, 1 as n where %(version)s != ''")
    told = [*caplog.messages, repr(refused.value), repr(echoed.value)]
    assert not [text for text in told if PASSWORD in text]
    assert refused.value.__cause__ is None


def test_a_host_that_is_not_there(shop: Server) -> None:
    settings = Settings(
        host=str(shop.folder / "no"), database="postgres", user="reader", means={"paid": PAID}
    )
    with pytest.raises(Temporary, match="paid, asked of postgres at"):
        asyncio.run(SqlSignals(settings, lambda: PASSWORD).read(OLD))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "nothing to ask"),
        ({"means": {"a": "select 1 as sum, 1 as n"}}, "reads the same for every version"),
        ({"means": {"a": "select 1 where x like '5%' and %(version)s = ''"}}, "write %% for a %"),
        ({"means": {"a": "select %(versoin)s"}}, "is no parameter"),
        ({"means": {"a": "select %s, %(version)s"}}, "is no parameter"),
        ({"means": {f"m{n}": "select %(version)s" for n in range(17)}}, "at most 16"),
    ],
)
def test_settings_that_are_wrong_together(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=problem):
        msgspec.convert({"host": "h", "database": "d", "user": "u", **settings}, Settings)


# --- how far it reaches ----------------------------------------------------------------------------------------------


def asked_at(host: str, bounds: Bounds, *answers: tuple[str, ...]) -> tuple[PortError, int]:
    """What came of asking a database at `host`, and how many connections were made to the loopback."""
    waiting = list(answers)

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return waiting.pop(0)

    async def ask() -> tuple[PortError, int]:
        connected: list[asyncio.StreamWriter] = []

        async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connected.append(writer)
            writer.close()

        listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            settings = Settings(
                host=host, port=port, database="shop", user="reader", means={"paid": PAID}, timeout_s=30.0
            )
            signals = SqlSignals(settings, lambda: PASSWORD, bounds, resolve)
            with pytest.raises(PortError) as raised:
                await signals.read(OLD)
        return raised.value, len(connected)

    return asyncio.run(ask())


def test_a_name_leads_to_the_address_that_was_checked() -> None:
    for bounds in (Bounds(), bounds_of(["db.internal"]).narrowed()):
        error, connections = asked_at("db.internal", bounds, ("127.0.0.1",))
        assert isinstance(error, Temporary)
        assert connections > 0


@pytest.mark.parametrize(
    ("host", "answers", "said"),
    [
        ("db.internal", [("127.0.0.1",)], "db.internal leads to 127.0.0.1 is loopback"),
        ("db.internal", [("93.184.216.34", "10.0.0.7")], "10.0.0.7 is private"),
        ("one.example,two.example", [("93.184.216.34",), ("127.0.0.1",)], "two.example leads to"),
        ("127.0.0.1", [], "127.0.0.1 is loopback"),
        ("2130706433", [], "127.0.0.1 is loopback"),
        ("::ffff:127.0.0.1", [], "loopback"),
        ("/var/run/postgresql", [], "unix socket"),
        ("@postgresql", [], "unix socket"),
    ],
)
def test_what_came_in_by_the_front_door_reaches_no_private_address(
    host: str, answers: list[tuple[str, ...]], said: str
) -> None:
    error, connections = asked_at(host, Bounds(public=True), *answers)
    assert isinstance(error, Permanent)
    assert said in str(error)
    assert PASSWORD not in str(error)
    assert connections == 0


def test_nobody_reaches_the_metadata() -> None:
    error, _ = asked_at("db.internal", Bounds(), ("169.254.169.254",))
    assert "link-local" in str(error)
