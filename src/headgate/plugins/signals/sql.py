"""Business signals from a PostgreSQL database: one query a mean, read-only, with the version as a parameter.

A query gives one row of totals: `sum` and `n` for a mean, `requests` and `errors` for `counts`. What is meant comes as
parameters, never as text: %(version)s, %(artifact)s, %(configuration)s, %(service)s, %(environment)s, %(project)s and
%(since)s, the moment (timestamptz, by the database's clock) at which the version was read first. A query that counts
what happened from `since` on is quick however old the table is, and a row that was committed late is still counted: so
counters are totals, not windows. Rows that were counted must stay: a total that falls is unknown. A literal % is %%.

The query runs in a READ ONLY transaction with a statement_timeout, as a single statement (the extended protocol takes
no more). One connection is kept, and made anew when it breaks.
"""

import asyncio
import math
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import psycopg
from msgspec import Meta
from psycopg.rows import DictRow, dict_row

from headgate.core.model import Arm, Mean, SecretSource, Version
from headgate.kit.fence import Resolve, reachable, resolve
from headgate.kit.refusals import struck
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.reach import SOCKET, Bounds
from headgate.ports.registry import settings_of
from headgate.ports.secrets import read_secret
from headgate.ports.signals import Look
from headgate.ports.wires import Wires

T = TypeVar("T")

MEANS_MAX = 16
VERSIONS_MAX = 64
WORDS_MAX = 300
TELLS_APART = ("version", "artifact", "configuration")
PARAMETERS = (*TELLS_APART, "service", "environment", "project", "since")

_PLACE = re.compile(r"%(?:%|\((\w*)\)(.)|(.?))", re.DOTALL)
_LIMITS = """select set_config('statement_timeout', %(ms)s, true),
    set_config('lock_timeout', %(ms)s, true), set_config('idle_in_transaction_session_timeout', %(ms)s, true)"""

_Name = Annotated[str, Meta(min_length=1, max_length=255)]
_Query = Annotated[str, Meta(min_length=1, max_length=8192)]
Totals = dict[str, float]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which database, as whom, and what to ask. `host` may be a unix socket's folder. `timeout_s` bounds a reading."""

    host: _Name
    database: _Name
    user: _Name
    port: Annotated[int, Meta(ge=1, le=65535)] = 5432
    password: SecretSource | None = None
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: str = ""
    counts: str = ""
    means: dict[str, _Query] = {}
    timeout_s: Annotated[float, Meta(ge=0.1, le=60)] = 1.5

    def __post_init__(self) -> None:
        """Raises ValueError for what can only be wrong together, and for queries whose parameters are none."""
        if not self.counts and not self.means:
            raise ValueError("there is nothing to ask: say `means`, `counts` or both")
        if len(self.means) > MEANS_MAX:
            raise ValueError(f"at most {MEANS_MAX} means are read")
        for name, query in _queries(self):
            used = set(_parameters(name, query))
            if not used & set(TELLS_APART):
                raise ValueError(f"`{name}` reads the same for every version: it must use %(version)s")


def _queries(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.counts:
        yield "counts", settings.counts
    for name, query in settings.means.items():
        yield f"means.{name}", query


def _parameters(name: str, query: str) -> Iterator[str]:
    """The parameters of a query. Raises ValueError for what is none."""
    for found in _PLACE.finditer(query):
        if found[0] == "%%":
            continue
        if found[1] not in PARAMETERS or found[2] != "s":
            known = ", ".join(f"%({one})s" for one in PARAMETERS)
            raise ValueError(f"`{name}`: {found[0]!r} is no parameter: write %% for a %, or one of {known}")
        yield found[1]


class SqlSignals:
    """Asks a database for totals. `password` reads the secret anew each time: one that was rotated is the new one.

    It connects to nothing that is out of `bounds`, whatever the host's name resolves to.
    """

    def __init__(
        self,
        settings: Settings,
        password: Callable[[], str],
        bounds: Bounds | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._settings = settings
        self._password = password
        self._bounds = bounds or Bounds()
        self._resolve = resolve
        self._connection: psycopg.AsyncConnection[DictRow] | None = None
        self._turn = asyncio.Lock()
        self._since: dict[Version, datetime] = {}
        self._before: dict[tuple[Version, str], Totals] = {}

    async def read(self, version: Version) -> Arm:
        """See ports.Signals. Raises Temporary where the database is away, slow or answers nonsense."""
        return await self._within(self._read(version))

    async def inspect(self, version: Version) -> tuple[Look, ...]:
        """See ports.signals.Inspectable."""
        return tuple([await self._look(name, query, version) for name, query in _queries(self._settings)])

    async def aclose(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _read(self, version: Version) -> Arm:
        async with self._turn:
            found = {
                name: await self._totals(name, query, version) for name, query in _queries(self._settings)
            }
        counts = found.pop("counts", {})
        means = {
            name.removeprefix("means."): Mean(totals["sum"], int(totals["n"]))
            for name, totals in found.items()
        }
        return Arm(int(counts.get("requests", 0)), int(counts.get("errors", 0)), means=means)

    async def _look(self, name: str, query: str, version: Version) -> Look:
        async def asked() -> Totals:
            async with self._turn:
                return await self._totals(name, query, version)

        try:
            totals = await self._within(asked())
        except PortError as error:
            return Look(name, "", str(error))
        answer = ", ".join(f"{column} {total:g}" for column, total in totals.items())
        return Look(name, answer, "" if any(totals.values()) else "nothing counted yet")

    async def _within(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, or no more waiting after `timeout_s`: to give up may take a driver longer than that."""
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._settings.timeout_s)
        finally:
            if not task.done():
                task.add_done_callback(_forgotten)
                task.cancel()
        if not done:
            raise Temporary(
                f"the database {self._place} did not answer within {self._settings.timeout_s:g} s"
            )
        return task.result()

    async def _totals(self, name: str, query: str, version: Version) -> Totals:
        """The totals of one query, of which none has fallen since they were read last."""
        password = self._password()
        try:
            connection = await self._connected(password)
            async with connection.transaction():
                row = await self._row(connection, name, query, version)
        except psycopg.Error as error:
            await self.aclose()
            raise _told(error, f"{name}, asked of {self._place}", password) from None
        except asyncio.CancelledError:
            await self.aclose()
            raise
        totals = _checked(name, row)
        before = self._before.get((version, name), totals)
        for column, total in totals.items():
            if total < before[column]:
                raise Temporary(
                    f"{name}: `{column}` fell from {before[column]:g} to {total:g}: count only rows that stay, "
                    "from %(since)s on"
                )
        self._before[version, name] = totals
        return totals

    async def _row(
        self, connection: psycopg.AsyncConnection[DictRow], name: str, query: str, version: Version
    ) -> DictRow:
        limit_ms = str(math.ceil(self._settings.timeout_s * 1000))
        await connection.execute(_LIMITS, {"ms": limit_ms}, binary=True)
        parameters: dict[str, object] = {
            **_values(version),
            "since": await self._first_read(connection, version),
        }
        # Binary answers need the extended protocol, which takes a single statement: no `; commit; drop table`.
        cursor = await connection.execute(query.encode(), parameters, binary=True)
        rows = await cursor.fetchmany(2) if cursor.description is not None else []
        if not rows:
            raise Temporary(f"{name}: the query gave no row for {version}: is the version known there?")
        if len(rows) > 1:
            raise Permanent(f"{name}: the query gave more than one row: sum them up")
        return rows[0]

    async def _first_read(self, connection: psycopg.AsyncConnection[DictRow], version: Version) -> datetime:
        """When this version was read first: until now, if it was not."""
        since = self._since.pop(version, None)
        if since is None:
            row = await (await connection.execute("select clock_timestamp() as now", binary=True)).fetchone()
            assert row is not None
            since = row["now"]
            while len(self._since) >= VERSIONS_MAX:
                oldest = next(iter(self._since))
                del self._since[oldest]
                self._before = {key: totals for key, totals in self._before.items() if key[0] != oldest}
        self._since[version] = since
        return since

    async def _connected(self, password: str) -> psycopg.AsyncConnection[DictRow]:
        if self._connection is not None and not self._connection.closed and not self._connection.broken:
            return self._connection
        settings = self._settings
        host, address = await self._ways()
        connection = await psycopg.AsyncConnection[DictRow].connect(
            host=host,
            hostaddr=address,
            port=settings.port,
            dbname=settings.database,
            user=settings.user,
            password=password or None,
            sslmode=settings.sslmode,
            sslrootcert=settings.sslrootcert or None,
            application_name="headgate",
            connect_timeout=math.ceil(settings.timeout_s),
            row_factory=dict_row,
        )
        await connection.set_read_only(True)
        self._connection = connection
        return connection

    async def _ways(self) -> tuple[str, str | None]:
        """Each host with each of its addresses: TLS verifies the one, and the other is connected to."""
        given = self._settings.host
        if given.startswith(("/", "@")):
            if self._bounds.public:
                raise Permanent(f"{self._place}: {SOCKET}")
            return given, None
        ways: list[tuple[str, str]] = []
        for host in given.split(","):
            try:
                found = await reachable(host, self._settings.port, self._bounds, self._resolve)
            except Permanent as error:
                raise Permanent(f"{self._place}: {error}") from None
            except (OSError, UnicodeError) as error:
                raise Temporary(f"{self._place}: {host} has no address ({error})") from None
            ways += [(host, address) for address in found]
        return ",".join(host for host, _ in ways), ",".join(address for _, address in ways)

    @property
    def _place(self) -> str:
        return f"{self._settings.database} at {self._settings.host}:{self._settings.port}"


def _values(version: Version) -> Mapping[str, str]:
    return {
        "version": version.key,
        "artifact": version.artifact,
        "configuration": version.configuration,
        "service": version.unit.service,
        "environment": version.unit.environment,
        "project": version.unit.project,
    }


def _checked(name: str, row: DictRow) -> Totals:
    """A row as totals. Raises Permanent for other columns, Temporary for values that are no totals."""
    columns = ("requests", "errors") if name == "counts" else ("sum", "n")
    if set(row) != set(columns):
        got = ", ".join(row)[:WORDS_MAX]
        raise Permanent(f"{name}: the query must give the columns {' and '.join(columns)}, and gave {got}")
    cases = row[columns[0] if name == "counts" else "n"]
    totals = {
        column: _total(name, column, 0 if row[column] is None and cases == 0 else row[column])
        for column in columns
    }
    whole = [column for column in columns if column != "sum"]
    if any(totals[column] != int(totals[column]) or totals[column] < 0 for column in whole):
        raise Temporary(f"{name}: {' and '.join(whole)} must be whole numbers, zero or more")
    if name == "counts" and totals["errors"] > totals["requests"]:
        raise Temporary(f"{name}: more errors than requests")
    return totals


def _total(name: str, column: str, value: object) -> float:
    """A number. The sum of no rows, which is null in SQL, was made zero before; any other null is unknown."""
    try:
        number = math.nan if value is None or isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise Temporary(f"{name}: `{column}` is {str(value)[:40]!r}: expected a number")
    return number


def _told(error: psycopg.Error, what: str, password: str) -> PortError:
    """What the database says, in one line, without the password; Permanent where the query itself is wrong."""
    words = " ".join(struck(str(error), (password,) if password else ()).split())[:WORDS_MAX]
    if isinstance(error, psycopg.errors.QueryCanceled):
        return Temporary(f"{what}: too slow: {words}; narrow the query to %(since)s, or index it")
    wrong = isinstance(
        error, (psycopg.ProgrammingError, psycopg.errors.ReadOnlySqlTransaction, psycopg.DataError)
    )
    return (Permanent if wrong else Temporary)(f"{what}: {words}")


def _forgotten(task: "asyncio.Future[Any]") -> None:
    """Nobody waits for it any more: whatever became of it, it was told as a time-out."""
    _ = task.cancelled() or task.exception()


def _password(wires: Wires, settings: Settings) -> str:
    """Raises Permanent, also where it may not be sent to one of the hosts."""
    for host in settings.host.split(",") if settings.password else ():
        wires.keeper.require_to((settings.password.name,), host)  # type: ignore[union-attr]  # as above
    return read_secret(settings.password) if settings.password else ""


def create(wires: Wires) -> SqlSignals:
    """The plugin's factory. For the front door, the client finds no password and no file of this host's by itself."""
    settings = settings_of(wires, Settings)
    if wires.bounds.public and (settings.password is None or settings.sslrootcert not in ("", "system")):
        raise Permanent(
            f"{wires.name}: the front door needs a `password` that was declared, and names no file"
        )
    return SqlSignals(settings, lambda: _password(wires, settings), wires.bounds)
