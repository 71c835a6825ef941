"""The proxy's treatment of a service's requests: whom it believes, how long it waits, what it speaks and refuses."""

import ipaddress
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema, model_validator

from headgate.config.models.complaint import Complaint, raised, shown, wrong
from headgate.config.models.quantity import Quantity
from headgate.config.models.section import Section
from headgate.config.models.value import HttpPath, Wording, one_or_many
from headgate.config.quantities import DURATION, SIZE

PATHS_MAX = 50
HEAD_MIN_BYTES, HEAD_MAX_BYTES = 1024, 8192 * 1024
BODY_MAX_BYTES = 1 << 40
PRIVATE_WORD = "private"
_NETWORK = "`private`, an address, or a network like `10.0.0.0/8`"


def _network(value: object) -> str:
    if value == PRIVATE_WORD:
        return PRIVATE_WORD
    try:
        return str(ipaddress.ip_network(value)) if isinstance(value, str) else _no_network(value)
    except ValueError as error:
        hint = "the bits after the prefix must be 0" if "host bits" in str(error) else ""
        raise wrong(f"{shown(value)} is no network", _NETWORK, hint) from None


def _no_network(value: object) -> str:
    raise wrong(f"{shown(value)} is no network", _NETWORK)


def _protocol(value: object) -> object:
    if value in ("grpc", "gRPC", "http2", "h2"):
        expected, hint = (
            "one of `auto`, `http1` and `h2c`",
            "did you mean `h2c`, HTTP/2 without TLS, as gRPC does?",
        )
        raise wrong(f"{shown(value)} is not possible here", expected, hint)
    return value


Limit = Annotated[float | None, Quantity(DURATION, high=365 * 86400, above=True, off=True)]
Network = Annotated[str, BeforeValidator(_network), WithJsonSchema({"type": "string"})]
Networks = Annotated[
    tuple[Network, ...],
    BeforeValidator(one_or_many),
    Strict(strict=False),
    Field(max_length=200),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Upgrade = Annotated[str, Wording(r"[A-Za-z][A-Za-z0-9./+-]*", "a protocol like `websocket`", length_max=60)]
Upgrades = Annotated[tuple[Upgrade, ...], Strict(strict=False), Field(max_length=20)]
HostHeader = Annotated[
    str, Wording(r"[0-9A-Za-z.:\[\]-]+", "a host name, perhaps with a port", length_max=253)
]


class Timeouts(Section):
    """How long one request may take."""

    EXPECTED: ClassVar[str] = "a mapping with `answer`, `idle` and `total`"

    answer: Limit = Field(
        default=120.0,
        description="From the whole request to the beginning of the answer; later, it is 504 and the version's error. "
        "`off`: as long as `idle`.",
    )
    idle: Limit = Field(
        default=3600.0, description="The longest silence of a stream or a web socket that goes on."
    )
    total: Limit = Field(default=None, description="From the whole request to the end of the answer.")

    def over(self, general: "Timeouts") -> "Timeouts":
        """What is not given here is as in `general`."""
        return general.model_copy(update={key: getattr(self, key) for key in self.model_fields_set})


class Limits(Section):
    """How large a request may be."""

    EXPECTED: ClassVar[str] = "a mapping with `head` and `body`"

    head: Annotated[int, Quantity(SIZE, low=HEAD_MIN_BYTES, high=HEAD_MAX_BYTES)] = Field(
        default=65_536,
        description="All headers of a request, or of an answer, together; more is 431, or 502.",
    )
    body: Annotated[int | None, Quantity(SIZE, low=1, high=BODY_MAX_BYTES, off=True)] = Field(
        default=None, description="The body of a request; more is 413."
    )


class KeepAlive(Section):
    """How long an unused connection is kept."""

    EXPECTED: ClassVar[str] = "a mapping with `clients` and `instances`"

    clients: Limit = Field(default=3600.0, description="A client's; `off` keeps it for ever.")
    instances: Limit = Field(
        default=1.5,
        description="One to an instance: less than the application keeps it, or requests fail; `off` keeps none.",
    )


class Proxy(Section):
    """How the proxy treats a service's requests."""

    EXPECTED: ClassVar[str] = "a mapping with `trusted`, `timeouts` and others"

    trusted: Networks = Field(
        default=(PRIVATE_WORD,),
        description="Whose X-Forwarded-* and Forwarded headers are passed on: addresses, networks, or `private` "
        "(loopback, private and link-local ones). Everybody else's are replaced.",
    )
    protocol: Annotated[Literal["auto", "http1", "h2c"], BeforeValidator(_protocol)] = Field(
        default="auto",
        description="What the application speaks: HTTP/1.1, HTTP/2 without TLS (as gRPC does), or what it answers to.",
    )
    timeouts: Timeouts = Field(default=Timeouts(), description="How long a request may take.")
    paths: Annotated[dict[HttpPath, Timeouts], Field(max_length=PATHS_MAX)] = Field(
        default={},
        description="Other time-outs for a path and what is below it (`/a/`: what begins so), the longest first; what "
        "is not given is as in `timeouts`.",
    )
    limits: Limits = Field(default=Limits(), description="How large a request may be.")
    upgrades: Upgrades = Field(
        default=("websocket",), description="The protocols that a connection may change to."
    )
    keep_alive: KeepAlive = Field(default=KeepAlive(), description="How long unused connections are kept.")
    default_host: HostHeader = Field(
        default="localhost", description="The Host of an HTTP/1.0 request that has none."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        complaints = [
            *_cut_short(self.timeouts, self.timeouts, ("timeouts",)),
            *(
                complaint
                for path, own in self.paths.items()
                for complaint in _cut_short(own.over(self.timeouts), own, ("paths", path))
            ),
        ]
        if complaints:
            raise raised(complaints)
        return self


def _cut_short(whole: Timeouts, written: Timeouts, loc: tuple[str, ...]) -> Iterator[Complaint]:
    """Silence before an answer is silence: a longer `answer` than `idle` would never be reached."""
    if whole.idle is None or whole.answer is None or whole.answer <= whole.idle:
        return
    if "answer" not in whole.model_fields_set:
        return
    idle = DURATION.write(whole.idle)
    place = next((key for key in ("answer", "idle") if key in written.model_fields_set), "")
    what = f"an answer may take {DURATION.write(whole.answer)}, and `idle` ends every silence after {idle}"
    expected = f"`answer` of at most {idle}, or a longer `idle`"
    yield Complaint((*loc, place) if place else loc, what, expected)
