"""Effects: what shall be done, as data with the identity `(release, sequence, n)`; ports are idempotent by it."""

import msgspec

from headgate.core.model import Command, Routing, Version


class AskGates(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Ask every gate of the plan. Answered by GatesAnswered."""

    gates: tuple[str, ...]


class PrepareVersion(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Have exactly `instances` of `version` running and ready. Answered by VersionPrepared."""

    version: Version
    instances: int


class SetRouting(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Have the proxy route like this, and confirm it. Answered by RoutingSet."""

    routing: Routing


class Observe(msgspec.Struct, frozen=True, tag=True, gc=False):
    """At `due_at`, sample both arms since the last sample and judge. Answered by Judged: it cannot fail.

    `exposure` is the index of the Expose step in force while the sample's interval lasts; UNEXPOSED (-1) while no
    traffic reaches the canary on purpose: before the first one, or after it was taken away. `deadline`: the exact test
    that the step may make once is due with this sample.
    """

    leg: int
    exposure: int
    due_at: float
    deadline: bool = False


class RunSmoke(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Run smoke tests against `version` directly. Answered by SmokeTested."""

    version: Version
    names: tuple[str, ...] = ()


class VerifyVersion(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Probe `version` and run all of its smoke tests. Answered by VersionVerified."""

    version: Version


class StopVersion(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Let `version` finish its requests for up to `drain_s` seconds and stop it. Answered by VersionStopped."""

    version: Version
    drain_s: float


class RunCommand(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Make the change of `command`, or `undo` it, with `version`'s tree and environment. Answered by CommandRan."""

    version: Version
    command: Command
    undo: bool = False


class WakeAt(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Say when `at` has come: the end of the rollback window of leg `leg`. Answered by TimeCame."""

    leg: int
    at: float


Effect = (
    AskGates
    | PrepareVersion
    | SetRouting
    | Observe
    | RunSmoke
    | VerifyVersion
    | StopVersion
    | RunCommand
    | WakeAt
)
