"""One span of a distributed trace: as much of OpenTelemetry's as it takes to say where an error began."""

from typing import Literal

import msgspec

Kind = Literal["entry", "exit", "inner"]
"""A request that came in (SERVER, CONSUMER), one that went out (CLIENT, PRODUCER), or work in between (INTERNAL)."""


class Party(msgspec.Struct, frozen=True, order=True):
    """Who did something: a version of a service in an environment; `instance` is which of its processes."""

    service: str
    version: str
    environment: str = ""
    instance: str = ""


class Span(msgspec.Struct, frozen=True):
    """A piece of work. `parent` is the span that caused it, in whichever process; empty: nothing did.

    `ended_ns` is by the clock of its own machine: it is compared only with spans of the same process, durations with
    any. `aim` says what an exit asks for: the same aim asked twice is a retry. `waits` is false for messages, whose
    sender does not wait for what becomes of them (PRODUCER, CONSUMER).
    """

    trace: str
    id: str
    parent: str
    party: Party
    kind: Kind
    ended_ns: int
    duration_ns: int
    failed: bool
    aim: str = ""
    waits: bool = True
