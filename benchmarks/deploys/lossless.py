"""The shop, two good versions in turn, under constant load on kept connections: no client may notice anything."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import cycle, islice
from typing import Any

import msgspec
import psutil
from msgspec.structs import replace

from benchmarks.town import Town, folder, town
from headgate.cli.ask.request import Request, ask
from headgate.cli.demo.shop import Shop
from headgate.cli.session import Session
from headgate.core.model import Intent, Stage
from headgate.core.model.criteria import Latency
from headgate.core.release.planning import Policies
from headgate.core.story.report import Report
from headgate.lab.load.results import Results

DEPLOYS, DEPLOYS_QUICK = 20, 3
JOURNEYS_PER_S = 60.0
WEIGHTS = (20, 40, 60, 80)
"""And then 100: five shifts a deploy."""

WARM_UP_S = 1.5
DURATION_MAX_S = 3600


def measure(*, quick: bool) -> dict[str, Any]:
    """Counts of deploys, of changes of weight, and of requests by how they ended."""
    count = DEPLOYS_QUICK if quick else DEPLOYS
    with folder() as place:
        shop = Shop(place)
        with town(shop.home) as made:
            for version in ("v1", "v2"):
                shop.build(version)
            _release(made, shop, "v1")
            before_mb = _controller_mb(made)
            load = _load(shop.url)
            try:
                time.sleep(WARM_UP_S)
                reports = [_release(made, shop, version) for version in islice(cycle(("v2", "v1")), count)]
            finally:
                load.terminate()
                said, _ = load.communicate(timeout=30)
            after_mb = _controller_mb(made)
    results = msgspec.json.decode(said.strip().splitlines()[-1], type=Results)
    return {
        **_deploys(reports),
        **_clients(results),
        "controller_before_mb": before_mb,
        "controller_after_mb": after_mb,
    }


def _load(url: str) -> subprocess.Popen[str]:
    command = [
        *(sys.executable, "-m", "headgate.lab.load", "--url", url, "--rate", f"{JOURNEYS_PER_S:g}"),
        *("--duration", f"{DURATION_MAX_S}s", "--journeys", "shop", "--json"),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _release(made: Town, shop: Shop, version: str) -> Report:
    wish, rules = _wish(shop, version)
    return made.deploy([wish], rules)


def _wish(shop: Shop, version: str) -> tuple[Intent, Policies]:
    """As the project file says, in more and shorter steps, the old version stopped at once; latency is not judged.

    v2 is quicker than v1, so that going from v2 to v1 would be a slower version, rightly stopped.
    """
    session = Session(file=shop.file, home=shop.home)
    try:
        asked = ask(session, Request(None, (), version, version), lambda _: None)
    finally:
        session.close()
    (found,) = asked.intents
    stages = tuple(Stage(weight=weight, bake_s=0.5, deadline_s=60.0) for weight in WEIGHTS)
    rollout = replace(found.rollout, stages=stages, soak_s=0.5, warm_s=0.5)
    kept = tuple(one for one in found.judge.criteria if not isinstance(one, Latency))
    rules = replace(asked.policies, on_inconclusive="roll_back", on_no_data="roll_back")
    return replace(found, rollout=rollout, judge=replace(found.judge, criteria=kept)), rules


def _deploys(reports: list[Report]) -> dict[str, Any]:
    return {
        "deploys": len(reports),
        "promoted": sum(report.outcome == "promoted" for report in reports),
        "not_promoted": [report.reason for report in reports if report.outcome != "promoted"],
        "shifts": sum(len(report.steps) for report in reports),
        "deploy_s": round(sorted(report.took_s for report in reports)[len(reports) // 2], 2),
    }


def _clients(results: Results) -> dict[str, Any]:
    counts, steps = results.total.counts, results.total.steps.values()
    return {
        "requests": counts.requests,
        "requests_per_s": round(results.total.requests_per_s, 1),
        "failed": counts.failed,
        "refused": counts.refused,
        "reset": counts.resets,
        "not_connected": counts.connect_errors,
        "timed_out": counts.timeouts,
        "wrong_answers": sum(step.unmet for step in steps),
        "lost": counts.bad + counts.refused,
        "load_to_the_end": results.ended == "stopped",
        "p50_ms": counts.latency.p50_ms,
        "p99_ms": counts.latency.p99_ms,
    }


def _controller_mb(made: Town) -> float:
    return round(psutil.Process(made.processes()["controller"]).memory_info().rss / 2**20, 1)
