"""Pause: a person is asked."""

import msgspec

from headgate.core.machine.steps.kind import Kind


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """Wait for a person's approval; the watch goes on and still rolls back."""

    reason: str = ""


PAUSE = Kind(
    Pause,
    "waiting for approval",
    lambda _: "wait for approval",
    asks=lambda step: step.reason or "approval",
)
