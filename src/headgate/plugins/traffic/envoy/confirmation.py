"""Does Envoy itself say that it has what was written? Its subscriptions count, and name the version they have."""

import asyncio
import re
import time
from pathlib import Path

from headgate.plugins.traffic.envoy.admin import Admin
from headgate.ports.errors import Permanent, Temporary

WITHIN_S = 2.0
_POLL_FIRST_S, _POLL_MAX_S = 0.001, 0.02
_REFUSALS = ("update_rejected", "update_failure")
_LOG_TRIES, _LOG_PAUSE_S, _LOG_MAX_BYTES = 10, 0.02, 1_000_000
_LOG_REFUSAL = re.compile(
    r"config update (?:rejected|failure): (.*?)(?=^\[\d{4}-|\Z)", re.DOTALL | re.MULTILINE
)

CLUSTERS = "cluster_manager.cds"
LISTENERS = "listener_manager.lds"


def endpoints_of(cluster: str) -> str:
    """The subscription of a cluster's endpoints, by the name of its statistics."""
    return f"cluster.{cluster}"


def routes_of(unit: str) -> str:
    """The subscription of a unit's routes; it exists once its listener does."""
    return f"http.{unit}.rds.{unit}"


async def refusals(admin: Admin, subscriptions: list[str]) -> dict[str, int]:
    """How often each of `subscriptions` has refused an update until now. Raises Temporary when Envoy is silent."""
    stats = await _stats(admin, subscriptions)
    return {name: _refusals(stats, name) for name in subscriptions}


async def wait(
    admin: Admin, versions: dict[str, str], refused: dict[str, int], log: Path, log_from: int
) -> None:
    """Return when every subscription has its version, given how often each had refused an update before.

    Raises Permanent with Envoy's own reason (which it may have logged in `log` after byte `log_from`) when it refused
    one, Temporary when it has said neither in WITHIN_S.
    """
    until = time.monotonic() + WITHIN_S
    pause_s = _POLL_FIRST_S
    while True:
        stats = await _stats(admin, list(versions))
        missing = _missing(stats, versions)
        if not missing:
            return
        for name, before in refused.items():
            if _refusals(stats, name) > before:
                raise Permanent(
                    f"Envoy refused the new configuration: {await _reason(admin, name, log, log_from)}"
                )
        if time.monotonic() > until:
            raise Temporary(f"Envoy has not confirmed within {WITHIN_S:g} s: {missing}")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _POLL_MAX_S)


async def _stats(admin: Admin, subscriptions: list[str]) -> dict[str, int | str]:
    names = "|".join(re.escape(name) for name in subscriptions)
    wanted = rf"({names})\.(version_text|{'|'.join(_REFUSALS)})|cluster_manager\.warming_clusters"
    return await admin.stats(wanted)


def _refusals(stats: dict[str, int | str], name: str) -> int:
    return sum(int(stats.get(f"{name}.{kind}", 0)) for kind in _REFUSALS)


def _missing(stats: dict[str, int | str], versions: dict[str, str]) -> str:
    """What Envoy has not got yet, in words; empty when it has everything."""
    late = [
        f"{name} has {stats.get(f'{name}.version_text') or 'nothing'}, expected {version}"
        for name, version in versions.items()
        if stats.get(f"{name}.version_text") != version
    ]
    if stats.get("cluster_manager.warming_clusters"):
        late.append("clusters are still warming")
    return "; ".join(late)


async def _reason(admin: Admin, name: str, log: Path, log_from: int) -> str:
    if name == LISTENERS:
        dump = await admin.json("/config_dump?resource=dynamic_listeners")
        states = [found.get("error_state") for found in dump.get("configs", ())]
        details = sorted({state["details"] for state in states if state and "details" in state})
        if details:
            return "; ".join(details)
    for _ in range(_LOG_TRIES):  # whoever writes the log for Envoy may be a moment late
        said = _refusal_in(log, log_from)
        if said:
            return said
        await asyncio.sleep(_LOG_PAUSE_S)
    return f"{name} rejected it; see {log}"


def _refusal_in(log: Path, log_from: int) -> str:
    """Why Envoy last refused an update, from its log after byte `log_from`: it prints the whole update first."""
    try:
        with log.open("rb") as stream:
            stream.seek(log_from)
            text = stream.read(_LOG_MAX_BYTES).decode(errors="replace")
    except OSError:
        return ""
    said = _LOG_REFUSAL.findall(text)
    lines = [line.strip(": ") for line in said[-1].splitlines() if line.strip()] if said else []
    return lines[-1] if lines else ""
