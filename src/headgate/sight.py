"""Asks the world how it is, by the ports, side by side and each within a limit; with and without a controller.

Light: of the three plugins that it asks it loads what answers, so that `status` can ask each time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from headgate.core.drift import Part, Real, Recorded, Seen
from headgate.core.model import Listener, Routing, Unit, Version
from headgate.core.places import reached_at
from headgate.homes import steering_of
from headgate.plugins.processes.supervisord import Supervisord
from headgate.plugins.targets.local.instances import Instances
from headgate.plugins.traffic.envoy.traffic import EnvoyTraffic
from headgate.ports.errors import PortError
from headgate.ports.processes import Processes, ProcessStatus
from headgate.ports.target import Instance
from headgate.unix_sockets import listens

ASK_S = 1.5
"""How long any question may take; all are asked at the same time."""

LATE = f"no answer within {ASK_S:g} s"
STATUS_LINE_MAX_BYTES = 4096
MEND = "headgate up"
CONTROLLER, PROXY, KEEPER = "controller", "envoy", "headgate.keeper"
"""The programs that the process daemon keeps running beside the services."""

T = TypeVar("T")


class Inspecting(Protocol):
    """Of a Target."""

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        """See ports.Target."""
        ...


class Observing(Protocol):
    """Of a Traffic."""

    async def observed(self, unit: Unit) -> Routing | None:
        """See ports.Traffic."""
        ...


@dataclass(frozen=True)
class Ports:
    """What is asked. `proxy_ready` says whether the data plane serves at all."""

    target: Inspecting
    traffic: Observing
    processes: Processes
    proxy_ready: Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Sight:
    """What was answered: of every unit, and of what the home stands on.

    `abandoned`: some question had no answer in time, and a thread may still wait for it.
    """

    units: Mapping[Unit, Real]
    parts: tuple[Part, ...]
    abandoned: bool = False


def ports_of(home: Path) -> Ports:
    """The ports of a home, for asking only: of the plugins that `wiring` has by name, what answers."""
    processes = Supervisord(home)
    traffic = EnvoyTraffic(home, processes, lambda _: ())
    return Ports(Instances(home, processes), traffic, processes, traffic.admin.ready)


def look(home: Path, recorded: Mapping[Unit, Recorded]) -> Sight:
    """How everything is that is recorded as running, in about `ASK_S` seconds at the worst."""
    return asyncio.run(seen(home, ports_of(home), recorded))


async def seen(home: Path, ports: Ports, recorded: Mapping[Unit, Recorded]) -> Sight:
    """The same, within a loop and by these ports."""
    units, (parts, programs) = await asyncio.gather(
        asyncio.gather(*(_unit(ports, unit, one) for unit, one in recorded.items())), _parts(home, ports)
    )
    units = [_timed(one, programs) for one in units]
    said = [*(why for one in units for why in one.unknown.values()), *(part.evidence for part in parts)]
    return Sight(dict(zip(recorded, units, strict=True)), parts, any(LATE in why for why in said))


# --- a unit -----------------------------------------------------------------------------------------------------------


async def _unit(ports: Ports, unit: Unit, recorded: Recorded) -> Real:
    unknown: dict[str, str] = {}
    instances, routing, answer = await asyncio.gather(
        _asked("instances", ports.target.inspect(recorded.version), unknown),
        _asked("routing", ports.traffic.observed(unit), unknown),
        _answered(recorded, unknown),
    )
    shown = tuple(
        Seen(one.name, one.ready, one.restarts, one.detail, exposed=one.exposed) for one in instances or ()
    )
    listening, status = answer
    routed: Routing | None = routing
    return Real(shown, routed, listening, status, unknown)


async def _asked(what: str, question: Awaitable[T], unknown: dict[str, str]) -> T | None:
    """The answer; None, and why in `unknown`, where there is none."""
    try:
        async with asyncio.timeout(ASK_S):
            return await question
    except TimeoutError:
        unknown[what] = LATE
    except (PortError, OSError, ValueError) as error:
        unknown[what] = str(error)
    return None


async def _answered(recorded: Recorded, unknown: dict[str, str]) -> tuple[bool, int | None]:
    """Whether the public port takes connections, and what one request is answered.

    While a release moves the unit none is sent: it would be counted among those that the release is judged by.
    """
    if recorded.listener is None:
        unknown["listener"] = "the ledger does not say where it is"
        return False, None
    try:
        async with asyncio.timeout(ASK_S):
            return await _request(recorded.listener, send=recorded.moving is None)
    except TimeoutError:
        unknown["answer"] = LATE
        return True, None
    except (OSError, ValueError):
        return False, None


async def _request(listener: Listener, *, send: bool) -> tuple[bool, int | None]:
    """Raises OSError when nobody takes the connection."""
    host = reached_at(listener.host)
    reader, writer = await asyncio.open_connection(host, listener.port, limit=STATUS_LINE_MAX_BYTES)
    try:
        if not send:
            return True, None
        asked = f"GET / HTTP/1.1\r\nhost: {host}:{listener.port}\r\nuser-agent: headgate\r\nconnection: close\r\n\r\n"
        try:
            writer.write(asked.encode())
            line = await reader.readline()
        except (OSError, ValueError):
            return True, None
        return True, _status(line)
    finally:
        writer.close()


def _status(line: bytes) -> int | None:
    """The number in `HTTP/1.1 200 OK`."""
    parts = line.split(maxsplit=2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None


# --- what the home stands on ------------------------------------------------------------------------------------------


async def _parts(home: Path, ports: Ports) -> tuple[tuple[Part, ...], Mapping[str, ProcessStatus]]:
    """The parts, and every program that the process daemon has, by name."""
    unknown: dict[str, str] = {}
    programs, ready = await asyncio.gather(
        _asked("programs", ports.processes.list(), unknown), _asked("proxy", ports.proxy_ready(), unknown)
    )
    if programs is None:
        why = unknown["programs"]
        daemon = Part("process daemon", well=False, evidence=why, mend=MEND)
        keeper = Part("keeper", well=None, evidence=why, mend=MEND, gravity="warning")
        proxy = _proxy(None, unknown.get("proxy", ""), ready=ready)
        return (daemon, proxy, keeper, _controller(home, {})), {}
    found = {one.name: one for one in programs}
    daemon = Part(
        "process daemon", well=True, evidence=f"it answers, and keeps {len(found)} programs running"
    )
    proxy = _proxy(found.get(PROXY), unknown.get("proxy", ""), ready=ready)
    return (daemon, proxy, _program("keeper", found.get(KEEPER)), _controller(home, found)), found


def _timed(real: Real, programs: Mapping[str, ProcessStatus]) -> Real:
    """With how long the process of each instance has run."""
    now = time.time()
    started = {name: one.started_at for name, one in programs.items() if one.pid}
    instances = [
        msgspec.structs.replace(one, up_s=max(0.0, now - started[one.name])) if one.name in started else one
        for one in real.instances
    ]
    return msgspec.structs.replace(real, instances=tuple(instances))


def _proxy(status: ProcessStatus | None, why: str, *, ready: bool | None) -> Part:
    if ready:
        of = f"process {status.pid}" if status is not None else "nobody keeps it running"
        return Part("proxy", well=True, evidence=f"it serves ({of})")
    state = f"; its process is {_state(status)}" if status is not None else ""
    return Part("proxy", well=False, evidence=f"it does not serve: {why or 'no answer'}{state}", mend=MEND)


def _program(name: str, status: ProcessStatus | None) -> Part:
    if status is not None and status.state in ("running", "starting"):
        return Part(name, well=True, evidence=f"it runs (process {status.pid})")
    state = _state(status) if status is not None else "not there"
    return Part(name, well=False, evidence=f"it is {state}", mend=MEND, gravity="warning")


def _controller(home: Path, programs: Mapping[str, ProcessStatus]) -> Part:
    """None is needed where nothing moves; one that is meant to run must answer."""
    if listens(steering_of(home)):
        return Part("controller", well=True, evidence="it takes connections at its socket")
    status = programs.get(CONTROLLER)
    if status is None:
        return Part("controller", well=True, evidence="none runs; `headgate deploy` brings its own")
    evidence = f"nobody answers at {steering_of(home)}; its process is {_state(status)}"
    return Part("controller", well=False, evidence=evidence, mend=MEND)


def _state(status: ProcessStatus) -> str:
    return f"{status.state} ({status.detail})" if status.detail else status.state
