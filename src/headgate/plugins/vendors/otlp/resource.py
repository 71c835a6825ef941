"""Who sent something, from the attributes of its resource (opentelemetry.io/docs/specs/semconv/resource)."""

from collections.abc import Iterable
from hashlib import blake2b

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from headgate.core.traces import Party

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
