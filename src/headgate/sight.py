"""Questions to the world, by the ports, side by side and each within a limit; with and without a controller.

Light: of a platform it loads what answers (`ports.platform.Sight`), so that `status` can ask each time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from headgate.core.drift import Part, Real, Recorded, Seen
from headgate.core.model import Listener, Routing, Unit
from headgate.core.model.places import reached_at
from headgate.homes import steering_of
from headgate.ports.errors import PortError
from headgate.ports.platform import Platform, Platforms
from headgate.ports.processes import Processes, ProcessStatus
from headgate.unix_sockets import listens

ASK_S = 1.5
"""How long any question may take; all are asked at the same time."""

LATE = f"no answer within {ASK_S:g} s"
STATUS_LINE_MAX_BYTES = 4096
MEND = "headgate up"
CONTROLLER = "controller"
"""The program of the process daemon that is the controller."""

T = TypeVar("T")


@dataclass(frozen=True)
class Ports:
    """What is asked: the platforms that anything is recorded on, and the home's process daemon."""

    platforms: Platforms
    processes: Processes


@dataclass(frozen=True)
class Sight:
    """What was answered: of every unit, and of what the home stands on.

    `abandoned`: some question had no answer in time, and a thread may still wait for it.
    """

    units: Mapping[Unit, Real]
    parts: tuple[Part, ...]
    abandoned: bool = False


def look(home: Path, ports: Ports, recorded: Mapping[Unit, Recorded]) -> Sight:
    """How everything is that is recorded as running, in about `ASK_S` seconds at the worst."""
    return asyncio.run(seen(home, ports, recorded))


async def seen(home: Path, ports: Ports, recorded: Mapping[Unit, Recorded]) -> Sight:
    """The same, within a loop."""
    names = sorted({one.platform for one in recorded.values()})
    units, (parts, programs) = await asyncio.gather(
        asyncio.gather(*(_unit(ports, unit, one) for unit, one in recorded.items())),
        _parts(home, ports, names),
    )
    units = [_timed(one, programs) for one in units]
    said = [*(why for one in units for why in one.unknown.values()), *(part.evidence for part in parts)]
    return Sight(dict(zip(recorded, units, strict=True)), parts, any(LATE in why for why in said))


# --- a unit -----------------------------------------------------------------------------------------------------------


async def _unit(ports: Ports, unit: Unit, recorded: Recorded) -> Real:
    unknown: dict[str, str] = {}

    def opened() -> Platform:
        return ports.platforms.open(recorded.platform)

    instances, routing, answer = await asyncio.gather(
        _asked("instances", lambda: opened().sight.inspect(recorded.version), unknown),
        _asked("routing", lambda: opened().sight.observed(unit), unknown),
        _answered(opened, recorded, unknown),
    )
    shown = tuple(
        Seen(one.name, one.ready, one.restarts, one.detail, exposed=one.exposed) for one in instances or ()
    )
    listening, status = answer
    routed: Routing | None = routing
    return Real(shown, routed, listening, status, unknown)


async def _asked(what: str, question: Callable[[], Awaitable[T]], unknown: dict[str, str]) -> T | None:
    """The answer; None, and why in `unknown`, where there is none."""
    try:
        async with asyncio.timeout(ASK_S):
            return await question()
    except TimeoutError:
        unknown[what] = LATE
    except (PortError, OSError, ValueError) as error:
        unknown[what] = str(error)
    return None


async def _answered(
    opened: Callable[[], Platform], recorded: Recorded, unknown: dict[str, str]
) -> tuple[bool | None, int | None]:
    """Whether the public port takes connections (None: not from here), and what one request is answered.

    While a release moves the unit none is sent: it would be counted among those that the release is judged by.
    """
    if recorded.listener is None:
        unknown["listener"] = "the ledger does not say where it is"
        return False, None
    try:
        listener = opened().sight.reached(recorded.listener)
    except PortError as error:
        unknown["listener"] = str(error)
        return False, None
    if listener is None:
        return None, None
    try:
        async with asyncio.timeout(ASK_S):
            return await _request(listener, send=recorded.moving is None)
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


async def _parts(
    home: Path, ports: Ports, platforms: Sequence[str]
) -> tuple[tuple[Part, ...], Mapping[str, ProcessStatus]]:
    """The parts, and every program that the process daemon has, by name."""
    unknown: dict[str, str] = {}
    programs, ready = await asyncio.gather(
        _asked("programs", ports.processes.list, unknown),
        asyncio.gather(*(_ready(ports, name) for name in platforms)),
    )
    found = None if programs is None else {one.name: one for one in programs}
    if found is None:
        daemon = Part("process daemon", well=False, evidence=unknown["programs"], mend=MEND)
    else:
        kept = f"it answers, and keeps {len(found)} programs running"
        daemon = Part("process daemon", well=True, evidence=kept)
    stands_on = [part for one in ready for part in _of_platform(one, found)]
    return (daemon, *stands_on, _controller(home, found or {})), found or {}


class _Ready(NamedTuple):
    """Whether a platform serves (None: unknown), and why not. `platform` None: it is not here."""

    name: str
    platform: Platform | None
    ready: bool | None
    why: str


async def _ready(ports: Ports, name: str) -> _Ready:
    try:
        platform = ports.platforms.open(name)
    except PortError as error:
        return _Ready(name, None, None, str(error))
    unknown: dict[str, str] = {}
    ready = await _asked("ready", platform.ready, unknown)
    return _Ready(name, platform, ready, unknown.get("ready", ""))


def _of_platform(found: _Ready, programs: Mapping[str, ProcessStatus] | None) -> tuple[Part, ...]:
    name = f"platform {found.name}"
    if found.platform is None:
        return (Part(name, well=False, evidence=found.why, mend="headgate validate"),)
    parts = found.platform.parts(programs, ready=found.ready, why=found.why)
    if parts:
        return parts
    evidence = "it serves" if found.ready else f"it does not serve: {found.why or 'no answer'}"
    return (Part(name, well=bool(found.ready), evidence=evidence, mend=MEND),)


def _timed(real: Real, programs: Mapping[str, ProcessStatus]) -> Real:
    """With how long the process of each instance has run."""
    now = time.time()
    started = {name: one.started_at for name, one in programs.items() if one.pid}
    instances = [
        msgspec.structs.replace(one, up_s=max(0.0, now - started[one.name])) if one.name in started else one
        for one in real.instances
    ]
    return msgspec.structs.replace(real, instances=tuple(instances))


def _controller(home: Path, programs: Mapping[str, ProcessStatus]) -> Part:
    """None is needed where nothing moves; one that is meant to run must answer."""
    if listens(steering_of(home)):
        return Part("controller", well=True, evidence="it takes connections at its socket")
    status = programs.get(CONTROLLER)
    if status is None:
        return Part("controller", well=True, evidence="none runs; `headgate deploy` brings its own")
    evidence = f"nobody answers at {steering_of(home)}; its process is {status}"
    return Part("controller", well=False, evidence=evidence, mend=MEND)
