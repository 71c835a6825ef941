"""Counters from sources that only know how many there were between two moments.

Every finished window is counted once: windows are aligned, follow each other without a gap, and one whose count failed
is asked again. Until then the version is unknown, never zero. Counting begins with the first reading and, as after a
restart, begins anew (at zero) when the source was not read, or not readable, for longer than is counted in one go.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from headgate.core.model import Arm, Version
from headgate.core.model.window import Counted, Tally, Window
from headgate.kit.novelty import (
    LINES_MAX,
    LOOKBACK_LINES_MAX,
    LOOKBACK_S,
    NEW_ERRORS,
    History,
    Reader,
    incumbent,
    kinds_of,
    new_lines,
)
from headgate.kit.questions import ERRORS, REQUESTS, Questions, bound_ms, filled, named
from headgate.ports.errors import PortError, Temporary
from headgate.ports.signals import Look

CATCH_UP_S, CATCH_UP_WINDOWS = 3600, 720
"""The longest time that is counted in one go, and the most windows: vendors bound the points of an answer."""

RETRY_S = 5.0
"""A source that failed is asked again after so long, not at every reading."""

LOOK_S = 300
"""`inspect` asks for the newest windows of so long together."""

VERSIONS_MAX = 64


class Counting(Protocol):
    """One vendor's way to count."""

    async def count(self, questions: Mapping[str, str], window: Window) -> Mapping[str, float | None]:
        """The answer to each question over `window`, by its name; None where the source has no series for it.

        `questions` are queries by name, already filled in. Raises Temporary or Permanent.
        """
        ...


@dataclass(frozen=True)
class ErrorLines:
    """Where the lines of errors are read, for `new_errors`."""

    reader: Reader
    query: str


@dataclass
class _Watch:
    """What is known of one version. `cursor`: everything before it was counted; None: counting has not begun."""

    cursor: int | None = None
    tally: Tally = field(default_factory=Tally)
    shares: set[str] = field(default_factory=set[str])
    history: History | None = None
    trouble: PortError | None = None
    tried_at: float = 0.0
    read_at: float = 0.0
    task: asyncio.Task[None] | None = None


class WindowedSignals:
    """Implements ports.Signals and ports.signals.Inspectable over a `source`, which people call `name`.

    A share is left out until its `total` has had a series. Where `requests` has a series, `errors`, a bound of the
    latency or good cases without one are zero.
    """

    def __init__(
        self,
        name: str,
        source: Counting,
        questions: Questions,
        now: Callable[[], float],
        error_lines: ErrorLines | None = None,
    ) -> None:
        self._name = name
        self._source = source
        self._questions = dict(named(questions))
        self._bounds = {bound_ms(bound): f"latency {bound}" for bound in questions.latency}
        self._means = tuple(questions.means)
        self._pace = questions.pace
        self._catch_up_s = min(CATCH_UP_S, CATCH_UP_WINDOWS * self._pace.resolution_s)
        self._now = now
        self._error_lines = error_lines
        self._watches: dict[Version, _Watch] = {}

    async def read(self, version: Version) -> Arm:
        """See ports.Signals. Asks only when a window has ended since.

        A question that takes longer than a reading may goes on, and the next reading waits for its answer.
        """
        now = self._now()
        watch = self._watch(version, now)
        ahead = watch.cursor - self._pace.newest(now) if watch.cursor is not None else 0
        if ahead > self._pace.resolution_s:
            raise Temporary(f"{self._name}: the clock went back {ahead} s; that time was counted already")
        if self._to_ask(watch, now):
            await asyncio.shield(self._task(version, watch, now))
        if watch.trouble is not None:
            raise type(watch.trouble)(str(watch.trouble))
        return watch.tally.arm

    async def inspect(self, version: Version) -> tuple[Look, ...]:
        """See ports.signals.Inspectable: each query by itself, over the newest windows of LOOK_S."""
        window = self._pace.before(self._pace.newest(self._now()), LOOK_S)
        asked = [self._look(name, query, version, window) for name, query in self._questions.items()]
        if self._error_lines is not None:
            asked.append(self._look_at_lines(self._error_lines, version, window))
        return tuple(await asyncio.gather(*asked))

    def _watch(self, version: Version, now: float) -> _Watch:
        """The watch of `version`; those of the versions read longest ago are forgotten."""
        watch = self._watches.pop(version, None) or _Watch()
        watch.read_at = now
        self._watches[version] = watch
        while len(self._watches) > VERSIONS_MAX:
            del self._watches[next(iter(self._watches))]
        return watch

    def _to_ask(self, watch: _Watch, now: float) -> bool:
        if watch.task is not None and not watch.task.done():
            return True
        if watch.trouble is not None and 0 <= now - watch.tried_at < RETRY_S:
            return False
        return watch.cursor is None or self._pace.due(watch.cursor, now) is not None

    def _task(self, version: Version, watch: _Watch, now: float) -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        if watch.task is None or watch.task.done() or watch.task.get_loop() is not loop:
            watch.task = loop.create_task(self._ask(version, watch, now))
        return watch.task

    async def _ask(self, version: Version, watch: _Watch, now: float) -> None:
        """Count what is due, or find out what is wrong."""
        watch.tried_at = now
        try:
            await self._count(version, watch, now)
        except PortError as error:
            watch.trouble = error
        else:
            watch.trouble = None

    async def _count(self, version: Version, watch: _Watch, now: float) -> None:
        newest = self._pace.newest(now)
        if watch.cursor is None or newest - watch.cursor > self._catch_up_s:
            return await self._begin(version, watch, newest)
        window = self._pace.due(watch.cursor, now)
        if window is not None:
            counted = self._counted(version, window, await self._answers(version, window), watch.shares)
            means = await self._new_errors(version, window, counted.requests, now)
            more = Counted(counted.requests, counted.errors, counted.latency, counted.means | means)
            watch.tally, watch.cursor = watch.tally.plus(more), window.end
        return None

    async def _begin(self, version: Version, watch: _Watch, newest: int) -> None:
        """Start at zero, now. A first question shows at once whether the source can be asked.

        A version that was counted before and has no series now stays unknown.
        """
        window = self._pace.before(newest, 0)
        answers = await self._answers(version, window)
        if watch.cursor is not None:
            self._counted(version, window, answers, set())
        if self._error_lines is not None:
            watch.history = await self._history(self._error_lines, version, newest)
        watch.tally, watch.cursor = Tally(), newest

    async def _answers(self, version: Version, window: Window) -> Mapping[str, float | None]:
        queries = {name: filled(query, version) for name, query in self._questions.items()}
        return await self._source.count(queries, window)

    def _counted(
        self, version: Version, window: Window, answers: Mapping[str, float | None], shares: set[str]
    ) -> Counted:
        """The answers as counts; `shares` gets the names of those that have a series."""
        totals = {name: answers.get(f"means.{name}.total") for name in self._means}
        alive = [answers.get(REQUESTS)] if REQUESTS in self._questions else [*totals.values()]
        if all(total is None for total in alive):
            what = REQUESTS if REQUESTS in self._questions else "means"
            raise Temporary(
                f"{self._name} has no `{what}` of {version} {_words(window)}: "
                "no traffic, or the query does not find it"
            )
        shares.update(name for name, total in totals.items() if total is not None)
        return Counted(
            requests=answers.get(REQUESTS) or 0.0,
            errors=answers.get(ERRORS) or 0.0,
            latency={le: answers.get(name) or 0.0 for le, name in self._bounds.items()},
            means={
                name: (answers.get(f"means.{name}.good") or 0.0, totals[name] or 0.0)
                for name in self._means
                if name in shares
            },
        )

    async def _history(self, error_lines: ErrorLines, version: Version, newest: int) -> History:
        window = self._pace.before(newest, LOOKBACK_S)
        requests = {REQUESTS: filled(self._questions[REQUESTS], version)}
        total = (await self._source.count(requests, window)).get(REQUESTS)
        query = filled(error_lines.query, version)
        lines = await error_lines.reader.lines(query, window, LOOKBACK_LINES_MAX)
        return History(total or 0.0, kinds_of(lines.texts))

    async def _new_errors(
        self, version: Version, window: Window, requests: float, now: float
    ) -> dict[str, tuple[float, float]]:
        if self._error_lines is None:
            return {}
        histories = {
            other: watch.history
            for other, watch in self._watches.items()
            if watch.history is not None and abs(now - watch.read_at) <= CATCH_UP_S
        }
        known = incumbent(histories, version)
        if known is None:
            return {}
        query = filled(self._error_lines.query, version)
        lines = await self._error_lines.reader.lines(query, window, LINES_MAX)
        return {NEW_ERRORS: (min(new_lines(lines, known.kinds), requests), requests)}

    async def _look(self, name: str, query: str, version: Version, window: Window) -> Look:
        try:
            asked = filled(query, version)
            answer = (await self._source.count({name: asked}, window)).get(name)
        except PortError as error:
            return Look(f"{name}: {query}", "", str(error))
        if answer is None:
            return Look(f"{name}: {asked}", f"nothing {_words(window)}", "no series: is the query right?")
        zero = "nothing was counted: no traffic, or is the query wrong?"
        whole = name == REQUESTS or name.endswith(".total")
        return Look(f"{name}: {asked}", f"{answer:g} {_words(window)}", zero if whole and answer == 0 else "")

    async def _look_at_lines(self, error_lines: ErrorLines, version: Version, window: Window) -> Look:
        try:
            asked = filled(error_lines.query, version)
            lines = await error_lines.reader.lines(asked, window, LINES_MAX)
        except PortError as error:
            return Look(f"error_lines: {error_lines.query}", "", str(error))
        kinds = len(kinds_of(lines.texts))
        return Look(f"error_lines: {asked}", f"{lines.total:g} lines of {kinds} kinds {_words(window)}")


def _words(window: Window) -> str:
    start, end = (datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S") for at in (window.start, window.end))
    return f"between {start} and {end} UTC"
