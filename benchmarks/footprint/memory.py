"""Resident and proportional memory of everything that Headgate runs for ten services, idle and during a release."""

from __future__ import annotations

import time
from typing import Any

import psutil

from benchmarks.town import Brooks, Town
from benchmarks.witness import Witness
from headgate.core.model import Stage

SERVICES = tuple(f"brook{number}" for number in range(10))
IDLE_S, IDLE_QUICK_S = 10.0, 2.0
ROUND_S = 0.25
REQUESTS_PER_S = 100.0
STAGES = (Stage(weight=20, bake_s=1.0), Stage(weight=60, bake_s=1.0))
MB = 2**20

Sizes = dict[str, dict[str, float]]


def measure(made: Town, brooks: Brooks, *, quick: bool) -> list[dict[str, Any]]:
    """A row a process: megabytes when idle, and the most during a release of one service under load."""
    for name in SERVICES:
        made.deploy([brooks.release(name)], brooks.rules)
    time.sleep(IDLE_QUICK_S if quick else IDLE_S)
    processes = _processes(made)
    idle = _sizes(processes)
    busy = _busiest(made, brooks, processes)
    return [
        {
            "process": name,
            "idle_rss_mb": _mb(idle[name]["rss"]),
            "idle_pss_mb": _mb(idle[name]["pss"]),
            "release_rss_mb": _mb(busy[name]["rss"]),
            "release_pss_mb": _mb(busy[name]["pss"]),
            "files": processes[name].num_fds(),
        }
        for name in processes
    ]


def _busiest(made: Town, brooks: Brooks, processes: dict[str, psutil.Process]) -> Sizes:
    most = _sizes(processes)
    with Witness(brooks.url(SERVICES[0]), REQUESTS_PER_S):
        release = made.submit([brooks.release(SERVICES[0], stages=STAGES)], brooks.rules)
        while not made.over(release):
            now = _sizes(processes)
            most = {
                name: {kind: max(most[name][kind], now[name][kind]) for kind in now[name]} for name in now
            }
            time.sleep(ROUND_S)
    return most


def _processes(made: Town) -> dict[str, psutil.Process]:
    """The controller, those beside it, keeper, Envoy, and their parent; the services themselves are not Headgate's."""
    pids = {name: pid for name, pid in made.processes().items() if pid}
    own = {name: psutil.Process(pid) for name, pid in pids.items() if "brook" not in name}
    daemon = own["controller"].parent()
    assert daemon is not None
    beside = {one.cmdline()[3].rpartition(".")[2]: one for one in own["controller"].children()}
    return {"supervisord": daemon, **own, **beside}


def _sizes(processes: dict[str, psutil.Process]) -> Sizes:
    sizes: Sizes = {}
    for name, process in processes.items():
        full = process.memory_full_info()
        sizes[name] = {"rss": full.rss, "pss": full.pss}
    return sizes


def _mb(size: float) -> float:
    return round(size / MB, 1)
