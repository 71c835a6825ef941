"""Wires: the parts of a home that every plugin's factory is given, so that plugins need not know each other."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from headgate.core.model import Reach, Version
from headgate.ports.artifacts import Artifacts
from headgate.ports.keeper import Confined, Keeper, secrets_in
from headgate.ports.platform import Platform
from headgate.ports.processes import Processes
from headgate.ports.reach import Bounds
from headgate.ports.receiver import Serve
from headgate.ports.target import Target
from headgate.ports.web import Web


class Declared(Protocol):
    """What is declared of a plugin that is one of many: a source, a channel, a marker, the lane to one."""

    @property
    def name(self) -> str:
        """What the project file calls it."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """What stands there of it."""
        ...

    @property
    def reach(self) -> Reach:
        """By which door it was declared."""
        ...


@dataclass(frozen=True)
class Wires:
    """The home and its seams. `addresses` says where the instances of a version listen now (`host:port`).

    `addresses_changed` is told when they are others, and returns when whoever routes by them has taken it in.
    `target` and `arm` are of the platform that a source reads from: what runs versions there, and what its traffic's
    own statistics call them. `platform` opens a platform by name, for who asks about a plan. `name` and `settings` are
    what the project file calls the plugin and says of it, where it is one of many (a source of signals, a channel, a
    marker); `web` sends its requests, `now` is the time (seconds since the epoch).
    `bounds` are for plugins that connect by themselves, `keeper` says which secrets they may read. `public_web` is for
    what came in by the front door: `declared` hands it on as `web`.
    `guards` is the name (`module:name`) of what makes the home's guards (`ports.guard`) from it and its processes.
    `serve` gives the receiver at an address, for what is sent to Headgate by itself; None where nothing listens.
    What is not made yet when a plugin is made is None, or does nothing.
    """

    home: Path
    processes: Processes
    artifacts: Artifacts
    addresses: Callable[[Version], Sequence[str]]
    addresses_changed: Callable[[Version], Awaitable[None]] | None = None
    target: Target | None = None
    arm: Callable[[Version], str] | None = None
    platform: Callable[[str], Platform] | None = None
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    web: Web | None = None
    now: Callable[[], float] = time.time
    serve: Serve | None = None
    guards: str = ""
    public_web: Web | None = None
    bounds: Bounds = field(default_factory=Bounds)
    keeper: Keeper = field(default_factory=Keeper)

    def declared(self, what: Declared) -> "Wires":
        """What a declared plugin is made from. It gets no further than whoever declared it, and reads no more."""
        public = what.reach == "public"
        keeper = self.keeper.narrowed(what.name, public=public)
        named = tuple(source.name for _, source in secrets_in(what.settings))
        web = self.public_web if public else self.web
        return replace(
            self,
            name=what.name,
            settings=what.settings,
            web=Confined(web, keeper, named) if public and named and web is not None else web,
            bounds=self.bounds.narrowed() if public else self.bounds,
            keeper=keeper,
        )
