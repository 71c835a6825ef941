"""Who sent something, from the attributes of its resource (opentelemetry.io/docs/specs/semconv/resource)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

import msgspec
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from headgate.core.model import Counts
from headgate.core.traces import Party, Span
from headgate.plugins.vendors.otlp.spread import Explicit, Exponential

SERVICE, VERSION, INSTANCE = "service.name", "service.version", "service.instance.id"
ENVIRONMENT, ENVIRONMENT_BEFORE = "deployment.environment.name", "deployment.environment"

TEXT_MAX = 256
"""A name of a service, version, environment or instance may have so many characters."""

_DIGEST_BYTES = 16


def party(resource: Resource) -> Party | str:
    """Who it is, or why that cannot be said. An instance that does not name itself is known by its whole resource."""
    names = {one.key: _text(one.value) for one in resource.attributes if one.key in _NAMES}
    environment = names.get(ENVIRONMENT) or names.get(ENVIRONMENT_BEFORE, "")
    found = Party(
        names.get(SERVICE, ""),
        names.get(VERSION, ""),
        environment,
        names.get(INSTANCE) or digest(resource.attributes).hex()[:12],
    )
    if not found.service:
        return f"the resource has no {SERVICE}"
    if max(map(len, (found.service, found.version, found.environment, found.instance))) > TEXT_MAX:
        return f"an attribute that names the service has more than {TEXT_MAX} characters"
    return found


def digest(attributes: Iterable[KeyValue], *before: bytes) -> bytes:
    """One short name for a set of attributes, whatever their order and size, and for what stands `before` them."""
    sums = sorted(blake2b(one.SerializeToString(), digest_size=_DIGEST_BYTES).digest() for one in attributes)
    return blake2b(b"".join([*before, *sums]), digest_size=_DIGEST_BYTES).digest()


def attribute(attributes: Iterable[KeyValue], *names: str) -> str:
    """The first of these attributes that is there, as text; empty when none is."""
    found = {one.key: one.value for one in attributes if one.key in names}
    return next((_text(found[name]) for name in names if name in found), "")


def status(attributes: Iterable[KeyValue]) -> int | None:
    """The HTTP status among the attributes, under its present name or the one before."""
    code = attribute(attributes, "http.response.status_code", "http.status_code")
    return int(code) if code.isascii() and code.isdigit() and len(code) == 3 else None  # noqa: PLR2004


def _text(value: AnyValue) -> str:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return str(value.int_value)
        case _:
            return ""


_NAMES = frozenset({SERVICE, VERSION, INSTANCE, ENVIRONMENT, ENVIRONMENT_BEFORE})


# What a delivery says, once it is decoded: plain facts, each with the party that it is about.

T = TypeVar("T")

REASON_MAX = 300
RESOURCES_MAX = 2000
"""So many resources of one delivery are looked at: an empty one is two bytes, and as much work as any."""


class Point(msgspec.Struct, frozen=True):
    """One data point of a metric. `stream` identifies its series, start time aside; `bad`: it counts errors.

    `cumulative`: it counts since `start_ns`, whoever else reported that before; otherwise it is an increment.
    """

    party: Party
    metric: str
    stream: bytes
    start_ns: int
    at_ns: int
    cumulative: bool
    bad: bool
    count: int
    spread: Explicit | Exponential | None


@dataclass
class Batch:
    """The facts of one delivery. `heard` are all parties in it.

    `incomplete` says of a party, and of a metric where it is one, what could not be taken.
    """

    heard: set[Party] = field(default_factory=set[Party])
    points: list[Point] = field(default_factory=list[Point])
    spans: list[Span] = field(default_factory=list[Span])
    logged: dict[Party, Counts] = field(default_factory=dict[Party, Counts])
    rejected: int = 0
    why: str = ""
    incomplete: dict[tuple[Party, str], str] = field(default_factory=dict[tuple[Party, str], str])

    def some(self, groups: Sequence[T]) -> Sequence[T]:
        """The first RESOURCES_MAX of these; the rest is rejected."""
        self.reject(max(0, len(groups) - RESOURCES_MAX), f"over {RESOURCES_MAX} resources in one request")
        return groups[:RESOURCES_MAX]

    def reject(self, number: int, why: str, party: Party | None = None, metric: str = "") -> None:
        """Take note of what is not taken; the first reason is told."""
        if number:
            self.rejected += number
            self.why = self.why or why[:REASON_MAX]
            if party is not None:
                self.incomplete.setdefault((party, metric), why[:REASON_MAX])
