"""The machine that Headgate is on: processes under the home's process daemon, one Envoy in front of them, which counts.

Each part is loaded when it is first asked for: the keeper needs the guards alone, and `status` what answers.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.core.drift import Part
from headgate.core.model import Listener, Routing, Unit, Version
from headgate.ports.guard import Guard
from headgate.ports.platform import Sight
from headgate.ports.processes import ProcessStatus, Program
from headgate.ports.retreat import Retreated
from headgate.ports.signals import Signals
from headgate.ports.target import Instance
from headgate.ports.wires import Wires

if TYPE_CHECKING:
    from headgate.plugins.targets.local.target import LocalTarget
    from headgate.plugins.traffic.envoy.traffic import EnvoyTraffic

PROXY, KEEPER = "envoy", "headgate.keeper"
"""The programs that the process daemon keeps running for it, beside the services."""

MEND = "headgate up"

RUNNING = ("version.json", "endpoints.json", "lock")
"""What a version's folder says of what runs."""


class HostPlatform:
    """What runs in `wires.home`. It reads what it needs from the home's files, and outlives whoever made it."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires

    # --- what releases need -------------------------------------------------------------------------------------------

    @property
    def target(self) -> "LocalTarget":
        """Versions as processes."""
        return self._target

    @cached_property
    def _target(self) -> "LocalTarget":
        from headgate.plugins.targets.local.target import create  # noqa: PLC0415 - see the file

        return create(replace(self._wires, addresses_changed=self._refreshed))

    @property
    def traffic(self) -> "EnvoyTraffic":
        """One Envoy for the home."""
        return self._traffic

    @cached_property
    def _traffic(self) -> "EnvoyTraffic":
        from headgate.plugins.traffic.envoy.traffic import create  # noqa: PLC0415 - see the file

        return create(replace(self._wires, addresses=self.target.addresses))

    @property
    def signals(self) -> tuple[Signals, ...]:
        """What Envoy counts."""
        return self._signals

    @cached_property
    def _signals(self) -> tuple[Signals, ...]:
        from headgate.plugins.signals.envoy import EnvoySignals  # noqa: PLC0415 - see the file

        return (EnvoySignals(self.traffic.admin.get, self.arm),)

    @property
    def metrics(self) -> Signals:
        """Each instance's own page of metrics."""
        return self._metrics

    @cached_property
    def _metrics(self) -> Signals:
        from headgate.plugins.signals.scrape.source import create  # noqa: PLC0415 - see the file

        return create(replace(self._wires, addresses=self.target.addresses))

    def arm(self, version: Version) -> str:
        """The name of a version's cluster."""
        from headgate.plugins.traffic.envoy.names import cluster_name  # noqa: PLC0415 - see the file

        return cluster_name(version)

    async def _refreshed(self, version: Version) -> None:
        await self.traffic.refresh(version)

    # --- what is asked of it ------------------------------------------------------------------------------------------

    @property
    def sight(self) -> Sight:
        """What answers, of the target and the traffic."""
        return self._sight

    @cached_property
    def _sight(self) -> Sight:
        return _Sight(self._wires)

    async def ready(self) -> bool:
        """Whether Envoy serves."""
        from headgate.plugins.traffic.envoy.admin import Admin, admin_socket  # noqa: PLC0415 - see the file

        return await Admin(admin_socket(self._wires.home)).ready()

    def parts(
        self, programs: Mapping[str, ProcessStatus] | None, *, ready: bool | None, why: str
    ) -> tuple[Part, ...]:
        """The proxy and the keeper."""
        if programs is None:
            said = "the process daemon does not answer"
            keeper = Part("keeper", well=None, evidence=said, mend=MEND, gravity="warning")
            return (_proxy(None, why, ready=ready), keeper)
        return (_proxy(programs.get(PROXY), why, ready=ready), _keeper(programs.get(KEEPER)))

    # --- how it is kept -----------------------------------------------------------------------------------------------

    @property
    def programs(self) -> tuple[Program, ...]:
        """The keeper; the proxy begins with the first release."""
        from headgate.plugins.targets.local.keeper_program import keeper_of  # noqa: PLC0415 - see the file

        return (keeper_of(self._wires.home, self._wires.processes, self._wires.guards),)

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The proxy's."""
        from headgate.plugins.traffic.envoy.guard import ProxyGuard  # noqa: PLC0415 - see the file

        return (ProxyGuard(self._wires.home, self._wires.processes),)

    async def retreat(self, reason: str) -> Sequence[Retreated]:
        """By Envoy's own files."""
        from headgate.plugins.traffic.envoy.retreat import retreat  # noqa: PLC0415 - see the file

        return await retreat(self._wires.home, reason)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def shared(self, unit: Unit) -> Path:
        """A folder of the home."""
        from headgate.plugins.targets.local.layout import Layout  # noqa: PLC0415 - see the file

        return Layout(self._wires.home).shared(unit)

    def forget(self) -> None:
        """Envoy's files, and what the folders of versions say of processes."""
        home = self._wires.home
        shutil.rmtree(home / "envoy", ignore_errors=True)
        for version in home.glob("versions/*/*/*/*"):
            for name in RUNNING:
                (version / name).unlink(missing_ok=True)
            for instance in version.glob("instances/*"):
                for name in ("spec.json", "life.json"):
                    (instance / name).unlink(missing_ok=True)


class _Sight:
    def __init__(self, wires: Wires) -> None:
        from headgate.plugins.targets.local.instances import Instances  # noqa: PLC0415 - see the file
        from headgate.plugins.traffic.envoy.traffic import EnvoyTraffic  # noqa: PLC0415 - see the file

        self._instances = Instances(wires.home, wires.processes)
        self._traffic = EnvoyTraffic(wires.home, wires.processes, wires.addresses)

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        return await self._instances.inspect(version)

    async def observed(self, unit: Unit) -> Routing | None:
        return await self._traffic.observed(unit)

    def reached(self, listener: Listener) -> Listener | None:
        return listener


def _proxy(status: ProcessStatus | None, why: str, *, ready: bool | None) -> Part:
    if ready:
        of = f"process {status.pid}" if status is not None else "nobody keeps it running"
        return Part("proxy", well=True, evidence=f"it serves ({of})")
    state = f"; its process is {status}" if status is not None else ""
    return Part("proxy", well=False, evidence=f"it does not serve: {why or 'no answer'}{state}", mend=MEND)


def _keeper(status: ProcessStatus | None) -> Part:
    if status is not None and status.state == "running":
        return Part("keeper", well=True, evidence=f"it runs (process {status.pid})")
    if status is not None and status.state == "starting":
        # One that dies at once looks like this, again and again.
        said = f"it has run for less than a second (process {status.pid})"
        return Part("keeper", well=None, evidence=said, mend=MEND, gravity="warning")
    said = "not there" if status is None else str(status)
    return Part("keeper", well=False, evidence=f"it is {said}", mend=MEND, gravity="warning")


def create(wires: Wires) -> HostPlatform:
    """The plugin's factory."""
    return HostPlatform(wires)
