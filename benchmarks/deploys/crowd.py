"""Rollbacks of one service while eight others stop their old versions, which take their time about it."""

from __future__ import annotations

import statistics
from typing import Any

from msgspec.structs import replace

from benchmarks.town import Brooks, Town, folder, town
from benchmarks.witness import Witness
from headgate.core.model import Intent, Stage
from headgate.core.story.report import Report

OTHERS, STOP_S = 8, 12.0
ROLLBACKS = 4
REQUESTS_PER_S = 100.0
STEP = (Stage(weight=10, bake_s=60.0, deadline_s=90.0),)
SERVICE = "brook"


def measure(*, quick: bool) -> dict[str, Any]:
    """Milliseconds from verdict to traffic moved, with nothing else going on, and in the crowd; quick or not."""
    others = [f"{SERVICE}{number}" for number in range(OTHERS)]
    with folder() as home, town(home) as made:
        brooks = Brooks(home, [SERVICE, *others], instances=1)
        for name in (SERVICE, *others):
            made.deploy([brooks.release(name, stop_s=STOP_S if name in others else 0.0)], brooks.rules)
        with Witness(brooks.url(SERVICE), REQUESTS_PER_S):
            alone = [_rolled_back(made, brooks) for _ in range(ROLLBACKS)]
            moving = [made.submit([_at_once(brooks.release(name))], brooks.rules) for name in others]
            crowded = [_rolled_back(made, brooks) for _ in range(ROLLBACKS)]
            ends = [made.settled(release).outcome for release in moving]
    return {
        "alone_ms": _milliseconds(alone),
        "crowded_ms": _milliseconds(crowded),
        "crowded_median_ms": statistics.median(_milliseconds(crowded)),
        "others_promoted": sum(end == "promoted" for end in ends),
    }


def _at_once(wish: Intent) -> Intent:
    return replace(wish, rollout=replace(wish.rollout, strategy="all-at-once", stages=(), warm_s=0.1))


def _rolled_back(made: Town, brooks: Brooks) -> Report:
    return made.deploy([brooks.release(SERVICE, 1.0, STEP)], brooks.rules)


def _milliseconds(reports: list[Report]) -> list[float]:
    return [round(1000 * one.restored_after_s, 1) for one in reports if one.restored_after_s is not None]
