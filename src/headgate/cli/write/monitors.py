"""Monitors for Datadog: those that always hold, and tighter ones that Headgate's own metric switches.

A tight one multiplies what it watches by `headgate.release_in_progress`, which is 1 during a release and 0 else.

Source: Datadog documentation, "Monitors" API ("Create a monitor": type, query, message, options), "Trace metrics"
(`trace.<operation>.hits` and `.errors`; `trace.<operation>` as a distribution, in seconds).
"""

from collections.abc import Sequence
from typing import Any

from headgate.cli.write.objectives import WINDOWS, Objective, quantile_name
from headgate.core.model import Unit

Monitor = dict[str, Any]
PRIORITY = {"page": 2, "ticket": 4}
LENGTHS = {"1h": "last_1h", "6h": "last_6h", "3d": "last_3d"}


def monitors(objectives: Sequence[Objective], operation: str, notify: str) -> list[Monitor]:
    """What `POST /api/v1/monitor` takes, one after the other. `notify` is who is told (`@pagerduty-shop`)."""
    return [monitor for one in objectives for monitor in _service(one, operation, notify)]


def _service(one: Objective, operation: str, notify: str) -> list[Monitor]:
    unit, found = one.unit, list[Monitor]()
    if one.error_ratio_max is not None:
        for window in WINDOWS:
            limit = window.limit(one.error_ratio_max)
            title = f"{unit}: errors burn the budget ({window.long})"
            query = f"avg({LENGTHS[window.long]}):{_ratio(unit, operation)} > {limit:g}"
            found.append(_monitor(unit, title, query, limit, window.severity, notify))
        tight = one.error_ratio_max
    else:
        tight = one.fault[1]
    query = f"avg(last_5m):{_ratio(unit, operation)} * {_progress(unit)} > {tight:g}"
    found.append(_monitor(unit, f"{unit}: errors during a release", query, tight, "page", notify, tight=True))
    for quantile, most_s in one.latency_max_s:
        name = quantile_name(quantile)
        if "." in name:
            continue  # Datadog keeps p50, p75, p90, p95 and p99 of a distribution
        slow = f"{name}:trace.{operation}{_tags(unit)}"
        found.append(
            _monitor(
                unit,
                f"{unit}: {name} is high",
                f"avg(last_15m):{slow} > {most_s:g}",
                most_s,
                "ticket",
                notify,
            )
        )
        query = f"avg(last_5m):{slow} * {_progress(unit)} > {most_s:g}"
        title = f"{unit}: {name} is high during a release"
        found.append(_monitor(unit, title, query, most_s, "page", notify, tight=True))
    return found


def _monitor(
    unit: Unit, title: str, query: str, limit: float, severity: str, notify: str, *, tight: bool = False
) -> Monitor:
    place = f"-e {unit.environment} {unit.service}"
    advice = (
        f"See why: `headgate status {place}`. Undo it: `headgate abort -e {unit.environment}`."
        if tight
        else f"What changed: `headgate history {place}`. To go back: `headgate rollback {place}`."
    )
    return {
        "name": title,
        "type": "query alert",
        "query": query,
        "message": f"{title}: {{{{value}}}}.\n{advice}\n{notify}".rstrip(),
        "tags": [
            "managed-by:headgate",
            f"project:{unit.project}",
            f"env:{unit.environment}",
            f"service:{unit.service}",
            *(["during:release"] if tight else []),
        ],
        "priority": PRIORITY[severity],
        "options": {
            "thresholds": {"critical": limit},
            "include_tags": True,
            "require_full_window": False,
            "on_missing_data": "default",
        },
    }


def _tags(unit: Unit) -> str:
    return f"{{service:{unit.service},env:{unit.environment}}}"


def _ratio(unit: Unit, operation: str) -> str:
    errors, hits = f"trace.{operation}.errors", f"trace.{operation}.hits"
    return f"(sum:{errors}{_tags(unit)}.as_rate() / sum:{hits}{_tags(unit)}.as_rate())"


def _progress(unit: Unit) -> str:
    where = f"project:{unit.project},environment:{unit.environment},service:{unit.service}"
    return f"max:headgate.release_in_progress{{{where}}}"
