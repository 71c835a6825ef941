"""Startup, readiness and liveness: three different questions, with the meaning they have on Kubernetes."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue

from headgate.config.models.complaint import Complaint, raised
from headgate.config.models.section import Section
from headgate.config.models.value import (
    HeaderName,
    HttpPath,
    JsonPath,
    JsonScalar,
    Seconds,
    SomeSeconds,
    Text,
    Words,
    one_or_many,
)

StatusCode = Annotated[int, Field(ge=100, le=599)]
_CODE = {"type": "integer", "minimum": 100, "maximum": 599}
StatusCodes = Annotated[
    tuple[StatusCode, ...],
    BeforeValidator(one_or_many),
    Strict(strict=False),
    WithJsonSchema({"anyOf": [_CODE, {"type": "array", "items": _CODE}]}),
]
Count = Annotated[int, Field(ge=1, le=1000)]
KINDS = ("http", "tcp", "command")


class HttpAnswer(Section):
    """A request and what its answer must be."""

    SHORT: ClassVar[str] = "path"
    EXPECTED: ClassVar[str] = "a path, or a mapping with `path`"

    path: HttpPath = Field(description="What is asked for.")
    method: Literal["GET", "HEAD", "POST", "OPTIONS"] = Field(default="GET", description="How.")
    headers: dict[HeaderName, Text] = Field(default={}, description="Headers to send.")
    status: StatusCodes = Field(default=(), description="The status, or several; by default 200 to 399.")
    contains: Text = Field(default="", description="Text that the body must contain.")
    expect_json: dict[JsonPath, JsonScalar] = Field(
        default={}, alias="json", description="What JSON paths in the body must equal; null: they must exist."
    )


class Probe(Section):
    """One check (`http`, `tcp` or `command`) and its timing."""

    SHORT_SCHEMA: ClassVar[JsonSchemaValue] = {
        "anyOf": [{"const": "tcp"}, {"type": "string", "pattern": "^/"}]
    }
    EXPECTED: ClassVar[str] = "`tcp`, a path like `/health`, or a mapping with `http`, `tcp` or `command`"

    http: HttpAnswer | None = Field(default=None, description="A request is answered as it should be.")
    tcp: Literal[True] | None = Field(default=None, description="A connection is accepted: `tcp: true`.")
    command: Words | None = Field(
        default=None, description="A command, run where the instance runs, exits with 0."
    )
    delay: Seconds = Field(default=0.0, description="How long to wait before the first time.")
    every: SomeSeconds = Field(default=1.0, description="How often it is asked.")
    timeout: SomeSeconds = Field(default=1.0, description="How long an answer may take.")
    failures: Count = Field(default=3, description="So many failures in a row are a no.")
    successes: Count = Field(default=1, description="So many successes in a row are a yes.")

    @classmethod
    def expand(cls, value: object) -> object:
        """`tcp`, or a path to ask for."""
        if value == "tcp":
            return {"tcp": True}
        return {"http": value} if isinstance(value, str) and value.startswith("/") else value

    @model_validator(mode="after")
    def _one_check(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            what = "the probe checks nothing" if not given else f"the probe has {len(given)} checks"
            raise raised(
                [
                    Complaint(
                        (given[1],) if given else (), what, "one of `http`, `tcp` and `command`", key=True
                    )
                ]
            )
        return self


class Probes(Section):
    """What is asked of each instance. Without a readiness probe, an accepted connection is enough."""

    EXPECTED: ClassVar[str] = "a mapping with `startup`, `readiness` and `liveness`"

    startup: Probe | None = Field(default=None, description="Has it come up? Nothing else is asked before.")
    readiness: Probe | None = Field(default=None, description="May it have traffic now?")
    liveness: Probe | None = Field(default=None, description="Must it be restarted?")
