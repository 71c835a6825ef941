"""The audience of a release: channels for messages, markers in other systems, and the people with a role in it."""

from typing import Any, Literal

import msgspec

from headgate.core.model.identity import Reach

Moment = Literal[
    "requested",
    "started",
    "step",
    "waiting",
    "held",
    "promoted",
    "rolling_back",
    "rolled_back",
    "aborted",
    "refused",
    "closed",
]
"""What may be told of a release, in the order in which it may happen."""

Severity = Literal["info", "warning", "critical"]
"""Routine; wants a person's eye today; wants a person now."""

RoleName = Literal["observer", "decider", "communicator", "scribe"]
"""Watches the graphs; approves and aborts; speaks to everybody else; writes down what happened."""


class QuietHours(msgspec.Struct, frozen=True):
    """From `start` to `end` (minutes after midnight in `zone`; `end` may be the next day) on `days` (0 is Monday).

    Messages below critical wait until it is over, and are then told as one.
    """

    start: int
    end: int
    zone: str = "UTC"
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)


class Channel(msgspec.Struct, frozen=True):
    """Where messages go: the plugin `kind` with its checked `settings` (see `Source`).

    `on` empty: every moment but `step`. Only what is at least `severity_min` is sent.
    """

    name: str
    kind: str
    settings: dict[str, Any] = {}
    on: tuple[Moment, ...] = ()
    severity_min: Severity = "info"
    quiet: QuietHours | None = None
    reach: Reach = "private"


class Marker(msgspec.Struct, frozen=True):
    """A system in which releases leave their mark: the plugin `kind` with its checked `settings` (see `Source`)."""

    name: str
    kind: str
    settings: dict[str, Any] = {}
    reach: Reach = "private"


class Role(msgspec.Struct, frozen=True):
    """Who has a role in releases, and by which channels (names of `Audience.channels`) they are reached.

    When a decision waits longer than `escalate_s` seconds, the `fallback` is told, by the same channels.
    """

    name: RoleName
    who: str
    channels: tuple[str, ...]
    fallback: str = ""
    fallback_channels: tuple[str, ...] = ()
    escalate_s: float = 900.0


class Audience(msgspec.Struct, frozen=True):
    """Everybody and everything that a release in this environment tells."""

    channels: tuple[Channel, ...] = ()
    markers: tuple[Marker, ...] = ()
    roles: tuple[Role, ...] = ()
