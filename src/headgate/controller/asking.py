"""Questions to the world: they change nothing, and an answer that cannot be had is `unknown`, never an exception."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from headgate.controller.plain import plain
from headgate.controller.world import World
from headgate.core.machine.plan import Leg, Plan
from headgate.core.model import Finding, Placed, Version
from headgate.ports import Instance, PortError

Findings = tuple[Finding, ...]


async def ask_gates(world: World, names: Iterable[str], plan: Plan) -> Findings:
    """What the gates of these names answer, and those that are always asked; side by side.

    A platform that is not here is said first: nothing of its legs could be carried out.
    """
    every = dict.fromkeys((*world.always_asked, *names))
    found = await asyncio.gather(*(_ask(world, name, plan) for name in every))
    return _together([tuple(_absent(world, plan.legs)), *found])


def _absent(world: World, legs: Iterable[Leg]) -> Iterator[Finding]:
    for leg in legs:
        try:
            world.of(leg)
        except PortError as error:
            yield Finding("platform", "fail", plain(str(error)), hint="install its plugin where Headgate is")


async def smoke(world: World, placed: Placed, version: Version, names: tuple[str, ...]) -> Findings:
    """What the smoke tests of these names say of a version; all of them when there are no names."""
    return await _check(world, placed, "smoke test", version, names)


async def examine(world: World, placed: Placed, version: Version) -> Findings:
    """Is production really on `version`, and does it work? The proxy, the probes and all smoke tests are asked."""
    routed = _answer("proxy", lambda: _compare(world, placed, version), world.patience.routing_s)
    readiness = _check(world, placed, "readiness", version, None)
    return _together(await asyncio.gather(routed, readiness, smoke(world, placed, version, ())))


async def instances_of(world: World, placed: Placed, version: Version) -> tuple[Instance, ...] | None:
    """The instances of a version as they are; None: that cannot be asked."""
    try:
        async with asyncio.timeout(world.patience.signal_s):
            return await world.of(placed).target.inspect(version)
    except Exception:  # noqa: BLE001 - whatever goes wrong in a plugin
        return None


async def _ask(world: World, name: str, plan: Plan) -> Findings:
    gate = world.gates.get(name)
    if gate is None:
        known = ", ".join(sorted(world.gates)) or "none"
        return (Finding(name, "fail", f"there is no gate of this name (known: {known})"),)
    return await _answer(name, lambda: gate.ask(plan), world.patience.gate_s)


async def _check(
    world: World, placed: Placed, name: str, version: Version, smoke_names: tuple[str, ...] | None
) -> Findings:
    async def asked() -> Findings:
        return await world.of(placed).target.check(version, smoke_names)

    return await _answer(name, asked, world.patience.check_s)


async def _compare(world: World, placed: Placed, version: Version) -> Findings:
    """What the proxy itself says."""
    routing = await world.of(placed).traffic.observed(version.unit)
    if routing is not None and routing.stable == version and not routing.exposed:
        return (Finding("proxy", "pass", f"all traffic of {version.unit} reaches {version}"),)
    return (Finding("proxy", "fail", f"the proxy does not send all traffic of {version.unit} to {version}"),)


async def _answer(name: str, question: Callable[[], Awaitable[Findings]], limit_s: float) -> Findings:
    try:
        async with asyncio.timeout(limit_s):
            return await question()
    except TimeoutError:
        said = f"no answer within {limit_s:g} s"
    except PortError as error:
        said = str(error)
    except Exception as error:  # noqa: BLE001 - a fault in a plugin leaves its question unanswered, and no more
        said = f"broke down: {type(error).__name__}: {error}"
    return (Finding(name, "unknown", plain(said)),)


def _together(parts: Iterable[Findings]) -> Findings:
    return tuple(finding for findings in parts for finding in findings)
