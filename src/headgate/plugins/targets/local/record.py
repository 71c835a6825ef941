"""What the target writes down: who shall run, where each instance listens, what it is made of. No secret in any."""

from typing import Literal

import msgspec

from headgate.core.machine.events import EffectId
from headgate.core.model import Configuration, SecretSource, Version


class Spec(msgspec.Struct, frozen=True):
    """What `launch` makes an instance of; placeholders are filled in, `argv[0]` is an absolute path.

    `directory` is the working tree, made from the artifact's in `source`, of which the file `manifest` says what it
    holds; `folder` is the instance's own, `files_folder` where its configuration files go, `folders` what else must be
    there. `shared` maps paths in the tree to where they lie, `writable` are folders in it that must exist. `identity`
    are the variables that say who it is (PORT and HEADGATE_*).
    """

    name: str
    host: str
    port: int
    argv: tuple[str, ...]
    directory: str
    folder: str
    files_folder: str
    env: dict[str, str]
    identity: dict[str, str]
    secrets: dict[str, SecretSource] = {}
    files: dict[str, str] = {}
    source: str = ""
    manifest: str = ""
    folders: tuple[str, ...] = ()
    shared: dict[str, str] = {}
    writable: tuple[str, ...] = ()


class Life(msgspec.Struct, frozen=True):
    """The instance's present process, as it wrote itself down: `started` in ticks since `boot`, `launches` so far.

    `refused` says why it did not become the service; empty: it did. `left` is what the life before it had left running.
    """

    pid: int = 0
    started: int = 0
    launches: int = 0
    refused: str = ""
    port_taken: bool = False
    session: int = 0
    boot: str = ""
    left: str = ""


class Endpoint(msgspec.Struct, frozen=True):
    """Where an instance listens, and whether it may have traffic now: `pid` is the process that was found ready.

    `exposed`: others than this host may reach it there, past the proxy.
    """

    name: str
    host: str
    port: int
    ready: bool = False
    pid: int = 0
    exposed: bool = False

    @property
    def address(self) -> str:
        """`host:port`; an address with colons stands in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Desired(msgspec.Struct, frozen=True):
    """The instances of a version that shall run; those `prepared` have been ready once and are the keeper's.

    `release` started it, from an artifact that was built at `commit` (empty: nobody knows).
    """

    version: Version
    configuration: Configuration
    instances: tuple[str, ...] = ()
    prepared: tuple[str, ...] = ()
    release: str = ""
    commit: str = ""


class Done(msgspec.Struct, frozen=True):
    """An effect that was begun on this version, in order of arrival; `finished` says whether it came to its end."""

    effect: EffectId
    kind: Literal["prepare", "stop"]
    finished: bool = False
