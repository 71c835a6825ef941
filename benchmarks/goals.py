"""The goals, and where in the figures each is found: the order of the table that `make bench` ends with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Figures = Mapping[str, Any]
"""What one benchmark wrote, as JSON."""


@dataclass(frozen=True)
class Goal:
    """`pick` finds the figure in what `benchmark` wrote; `sense` says on which side of `limit` it shall be."""

    benchmark: str
    what: str
    sense: Literal["at most", "at least"]
    limit: float
    unit: str
    pick: Callable[[Figures], float]

    def reached(self, value: float) -> bool:
        return value <= self.limit if self.sense == "at most" else value >= self.limit

    @property
    def wanted(self) -> str:
        return f"{self.sense} {self.limit:,g} {self.unit}".rstrip()


def _row(rows: Iterable[Mapping[str, Any]], **values: object) -> Mapping[str, Any]:
    """The first row with these values. Raises LookupError when there is none."""
    for row in rows:
        if all(row.get(key) == value for key, value in values.items()):
            return row
    raise LookupError(f"no row with {values}")


def _lossless(name: str) -> Callable[[Figures], float]:
    return lambda figures: float(figures["lossless"][name])


def _off_traffic(ratio: float, interval: str, name: str) -> Callable[[Figures], float]:
    def pick(figures: Figures) -> float:
        row = _row(figures["faults"]["detection"], fails=ratio, interval=interval)
        return float(row[name]) if row["caught"] == row["runs"] else float("inf")

    return pick


def _memory(name: str) -> Callable[[Figures], float]:
    return lambda figures: float(_row(figures["host"]["memory"], process="controller")[name])


def _command(name: str) -> Callable[[Figures], float]:
    return lambda figures: float(_row(figures["the command, from start to end"], command=name)["median ms"])


def _status_of_many(figures: Figures) -> float:
    rows = figures["the command, from start to end"]
    named = (
        row
        for row in rows
        if row["command"].startswith("headgate status") and row["command"].endswith("events")
    )
    return float(next(named)["median ms"])


def _false_rollbacks(figures: Figures) -> float:
    return max(float(row["all"]) for row in figures["good deploys rolled back, %"])


def _worst(table: str, key: str) -> Callable[[Figures], float]:
    """The greatest of a column, whatever its sign."""

    def pick(figures: Figures) -> float:
        return max(abs(float(row[key])) for row in figures[table] if row[key] != "")

    return pick


def _alike(figures: Figures) -> float:
    """Of the judge that was measured last."""
    rows = figures["a day with a version like stable"]
    return max(float(row["%"]) for row in rows if row["judge"] == rows[0]["judge"])


def _low_traffic(figures: Figures) -> float:
    return max(
        float(row["doubled, found, %"]) for row in figures["low traffic, and an exact test at the deadline"]
    )


def _steps(figures: Figures) -> float:
    return min(float(row["steps/s"]) for row in figures["the pure machine on one core"])


GOALS = (
    Goal("deploys", "full deploys under constant load", "at least", 20, "", _lossless("promoted")),
    Goal("deploys", "... and changes of weight in them", "at least", 100, "", _lossless("shifts")),
    Goal("deploys", "... requests failed, refused, reset or lost", "at most", 0, "", _lossless("lost")),
    Goal(
        "traffic", "requests failed, weights changed by the hundred", "at most", 0, "", lambda f: f["failed"]
    ),
    Goal("traffic", "... requests reset", "at most", 0, "", lambda f: f["reset"]),
    Goal(
        "deploys",
        "verdict to traffic moved, p99",
        "at most",
        100,
        "ms",
        lambda f: f["faults"]["rollback"]["p99_ms"],
    ),
    Goal(
        "deploys",
        "... while eight services stop, median",
        "at most",
        100,
        "ms",
        lambda f: f["crowd"]["crowded_median_ms"],
    ),
    *(
        Goal(
            "deploys",
            f"fails {ratio:.0%}: off traffic, {name}, interval {interval}",
            "at most",
            limit,
            "s",
            pick,
        )
        for ratio, limit in ((0.2, 3), (0.05, 15))
        for interval in ("500ms", "1s")
        for name, pick in (
            ("median", _off_traffic(ratio, interval, "off_median_s")),
            ("worst", _off_traffic(ratio, interval, "off_max_s")),
        )
    ),
    Goal("judge", "good deploys rolled back, worst scene", "at most", 1, "%", _false_rollbacks),
    Goal("judge", "... in a bake of a day, worst scene", "at most", 1, "%", _alike),
    Goal(
        "judge",
        "bad versions passed, worst scene",
        "at most",
        5,
        "%",
        _worst("versions just bad enough, passed", "passed, %"),
    ),
    Goal(
        "judge",
        "a fault after four hours, to one at once",
        "at most",
        2.2,
        "",
        _worst("a fault that begins late", "times"),
    ),
    Goal("judge", "low traffic, doubled errors found", "at least", 45, "%", _low_traffic),
    Goal(
        "judge",
        "planner, mean time off, worst",
        "at most",
        15,
        "%",
        _worst("foretold by the planner", "mean off, %"),
    ),
    Goal(
        "judge",
        "... 90th percentile off, worst",
        "at most",
        25,
        "%",
        _worst("foretold by the planner", "90th percentile off, %"),
    ),
    Goal("machine", "steps of the pure machine on one core", "at least", 200_000, "/s", _steps),
    Goal(
        "ledger", "durable appends, 64 at a time", "at least", 2_000, "/s", lambda f: f["appends_by_64_per_s"]
    ),
    Goal(
        "signals",
        "500 queries a tick over ten sources, asked as by default",
        "at most",
        0.2,
        "of a core",
        lambda f: f["over http"]["share of one core, ticks of 5 s (the default)"],
    ),
    Goal("signals", "memory over many ticks", "at most", 5, "MiB", lambda f: f["memory"]["grown MiB"]),
    Goal("ledger", "opening a large ledger", "at most", 1, "s", lambda f: f["status_s"]),
    Goal("cli", "... and headgate status of it", "at most", 1_000, "ms", _status_of_many),
    Goal(
        "web",
        "200 open dashboards, 10 events/s",
        "at most",
        0.5,
        "of a core",
        lambda f: f["listening_core_share"],
    ),
    Goal("web", "... events lost", "at most", 0, "", lambda f: f["events_lost"]),
    Goal("web", "... memory grown", "at most", 5, "MiB", lambda f: f["memory_growth_mib"]),
    Goal("web", "API reads on one core", "at least", 1_000, "/s", lambda f: f["reads_per_core_s"]),
    Goal(
        "pages",
        "page of a release with 10,000 samples",
        "at most",
        300,
        "ms",
        lambda f: f["release"]["page warm (ms)"],
    ),
    Goal(
        "pages",
        "... asked for the first time",
        "at most",
        300,
        "ms",
        lambda f: f["release"]["page cold, of a core (ms)"],
    ),
    Goal(
        "pages",
        "... and all that a browser fetches for it",
        "at most",
        300_000,
        "bytes",
        lambda f: f["release"]["in all, uncompressed (bytes)"],
    ),
    Goal("footprint", "controller with ten services, idle", "at most", 80, "MB", _memory("idle_rss_mb")),
    Goal("footprint", "... during a release", "at most", 80, "MB", _memory("release_rss_mb")),
    Goal("cli", "headgate --help", "at most", 150, "ms", _command("headgate --help")),
    Goal("cli", "headgate status", "at most", 300, "ms", _command("headgate status, three releases")),
    Goal(
        "footprint", "... with ten services", "at most", 300, "ms", lambda f: f["host"]["status"]["median ms"]
    ),
    Goal(
        "deploys",
        "demo versions that ended as they should",
        "at least",
        6,
        "",
        lambda f: f["demo"]["as_expected"],
    ),
    Goal(
        "deploys", "... and the demo from start to end", "at most", 120, "s", lambda f: f["demo"]["whole_s"]
    ),
)
