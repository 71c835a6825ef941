"""The configuration half of a version: everything about how an artifact runs, hashed as one value.

It names secrets (where they are read from at start) and never holds one.
"""

from typing import Literal

import msgspec

from headgate.core.model.routing import Listener


class SecretSource(msgspec.Struct, frozen=True):
    """Where a secret is read at start: the content of a file (trailing newline dropped) or an environment variable.

    `secret` is neither, but the name of what the host's owner has declared (`core.home.secrets`): for plugins alone.
    """

    kind: Literal["file", "env", "secret"]
    name: str


class JsonExpectation(msgspec.Struct, frozen=True):
    """The value at a JSON path (`$.status`, `$.items[0].id`) must equal `equals`; None: it must only exist."""

    path: str
    equals: str | float | bool | None = None


class HttpCheck(msgspec.Struct, frozen=True, tag="http"):
    """One HTTP request and what its answer must be. `status` empty means 200..399, as on Kubernetes.

    `path` and `body` may hold `{name}`, filled from `save` of an earlier request of the same smoke test:
    `save` maps a name to a JSON path in the answer.
    """

    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str = ""
    status: tuple[int, ...] = ()
    contains: str = ""
    json: tuple[JsonExpectation, ...] = ()
    save: dict[str, str] = {}


class TcpCheck(msgspec.Struct, frozen=True, tag="tcp"):
    """A connection to the instance's port is accepted."""


class CommandCheck(msgspec.Struct, frozen=True, tag="command"):
    """A command, run in the artifact's folder with the instance's environment, exits with 0."""

    argv: tuple[str, ...]


class Probe(msgspec.Struct, frozen=True):
    """A check with Kubernetes' timing. All times in seconds."""

    check: HttpCheck | TcpCheck | CommandCheck
    initial_delay_s: float = 0.0
    period_s: float = 1.0
    timeout_s: float = 1.0
    failure_threshold: int = 3
    success_threshold: int = 1


class Probes(msgspec.Struct, frozen=True):
    """Startup (is it up? nothing else is asked before), readiness (may it have traffic?), liveness (restart it?)."""

    startup: Probe | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None


class SmokeTest(msgspec.Struct, frozen=True):
    """A journey against one version directly: its requests in order, each of which must be answered as expected."""

    name: str
    requests: tuple[HttpCheck, ...] = ()
    command: tuple[str, ...] = ()
    timeout_s: float = 10.0


class StopPolicy(msgspec.Struct, frozen=True):
    """SIGTERM (or `signal`), then SIGKILL after `grace_s` seconds."""

    signal: str = "TERM"
    grace_s: float = 10.0


class LogRotation(msgspec.Struct, frozen=True):
    """Each instance's output is kept in files of at most `size_max_bytes`, `keep` old ones."""

    size_max_bytes: int = 10_000_000
    keep: int = 5


class Configuration(msgspec.Struct, frozen=True):
    """How an artifact runs. `argv` may hold `{port}`; the port is also in the environment as `PORT`.

    `files` maps a path (relative to the instance's folder) to its content. `metrics_path` is where the service shows
    its own metrics (Prometheus text), for business signals; empty: nowhere. `memory_max_bytes` None: no limit.
    `listener` is where it is reached: moving a service to another port is a new version, like any other change.
    `shared` are paths in the working folder that all versions of the unit share, and that outlive them; `writable` are
    folders in it that each instance has of its own, there from the start.
    """

    argv: tuple[str, ...]
    env: dict[str, str] = {}
    secrets: dict[str, SecretSource] = {}
    files: dict[str, str] = {}
    probes: Probes = Probes()
    smoke: tuple[SmokeTest, ...] = ()
    stop: StopPolicy = StopPolicy()
    logs: LogRotation = LogRotation()
    memory_max_bytes: int | None = None
    metrics_path: str = ""
    listener: Listener | None = None
    business: dict[str, tuple[str, str]] = {}
    shared: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
