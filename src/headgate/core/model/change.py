"""A change: what a leg of a release makes another. Today a service's version; each other kind is one more struct."""

from typing import Literal

import msgspec

from headgate.core.model.identity import Unit, Version
from headgate.core.model.placed import HOST
from headgate.core.model.routing import Listener, Sticky


class ServiceChange(msgspec.Struct, frozen=True, tag="service"):
    """One unit's way from `baseline` to `candidate`.

    `instances` is the full size of either version, `baseline_instances` what the baseline had before (None: as many);
    `warm_s` is how long the baseline stays warm after success;
    `drain_s` is how long a version that lost its traffic may finish its requests.
    `listener` is where the candidate shall be reached, `baseline_listener` where the baseline is (None: there too); the
    users' port changes with the promotion only.
    `fresh` is the baseline once more, as large as the candidate and started with it: in the steps that divide the
    traffic it has as much of it, and the candidate is compared with it alone. None: with the baseline as it runs.
    `platform` is the name of the plugin that runs the unit, moves its traffic and measures it.
    """

    unit: Unit
    candidate: Version
    baseline: Version | None
    listener: Listener
    instances: int = 1
    sticky: Sticky | None = None
    warm_s: float = 600.0
    drain_s: float = 10.0
    baseline_listener: Listener | None = None
    fresh: Version | None = None
    baseline_instances: int | None = None
    platform: str = HOST

    @property
    def adjusts(self) -> bool:
        """True when the version stays, and only what is around it becomes another: its size, its listener."""
        return self.baseline == self.candidate

    @property
    def size_before(self) -> int:
        """How many instances the baseline has again once the change is undone."""
        return self.instances if self.baseline_instances is None else self.baseline_instances


Change = ServiceChange
"""Whatever a leg can change."""


# A command of the project's own: a change that Headgate cannot make itself, and how it is asked about and undone.

Applied = Literal["applied", "not_applied", "unknown"]
"""What became of a command's change. What nobody can say is unknown, and never counts as applied."""


class Command(msgspec.Struct, frozen=True):
    """A change that the words of `apply` make, in the version's tree and with its environment.

    `check` says whether the change is there (it exits with 0) or not (with 1); empty: nobody can say. `undo` takes it
    back; empty: nothing does, for the reason in `one_way`, or because there is nothing to take back.
    Each run may take `limit_s` seconds.
    """

    name: str
    apply: tuple[str, ...]
    check: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    one_way: str = ""
    limit_s: float = 300.0
