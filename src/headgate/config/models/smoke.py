"""Smoke tests: journeys through one version, directly, before or between the steps of a rollout."""

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema, model_validator

from headgate.config.models.complaint import Complaint, raised, shown, wrong
from headgate.config.models.probe import StatusCodes
from headgate.config.models.section import Section
from headgate.config.models.value import (
    HeaderName,
    HttpPath,
    JsonPath,
    JsonScalar,
    SomeSeconds,
    Text,
    Variable,
    Words,
)

METHODS = ("get", "post", "put", "patch", "delete", "head")


def _body(value: object) -> object:
    if isinstance(value, (str, dict, list)):
        return value  # pyright: ignore[reportUnknownVariableType]
    raise wrong(f"{shown(value)} is not a body", "text, or a mapping or list to be sent as JSON")


Body = Annotated[object, BeforeValidator(_body), WithJsonSchema({"type": ["string", "object", "array"]})]


class Request(Section):
    """One request of a journey: `get: /path` (or post, put, ...), and what its answer must be."""

    EXPECTED: ClassVar[str] = "a mapping like `{get: /path, status: 200}`"

    get: HttpPath | None = Field(default=None, description="GET this path; `{name}` is filled from `save`.")
    post: HttpPath | None = Field(default=None, description="POST to this path.")
    put: HttpPath | None = Field(default=None, description="PUT to this path.")
    patch: HttpPath | None = Field(default=None, description="PATCH this path.")
    delete: HttpPath | None = Field(default=None, description="DELETE this path.")
    head: HttpPath | None = Field(default=None, description="HEAD of this path.")
    body: Body = Field(
        default="",
        description="What is sent: text, or a mapping or list sent as JSON; `{name}` is filled from `save`.",
    )
    headers: dict[HeaderName, Text] = Field(default={}, description="Headers to send.")
    status: StatusCodes = Field(default=(), description="The status, or several; by default 200 to 399.")
    contains: Text = Field(default="", description="Text that the body must contain.")
    expect_json: dict[JsonPath, JsonScalar] = Field(
        default={}, alias="json", description="What JSON paths in the body must equal; null: they must exist."
    )
    save: dict[Variable, JsonPath] = Field(
        default={}, description="Names for values in the answer, to be used as `{name}` in later requests."
    )

    @property
    def target(self) -> tuple[str, str]:
        """Method (lower case) and path."""
        return next((method, path) for method in METHODS if (path := getattr(self, method)) is not None)

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        given = [method for method in METHODS if getattr(self, method) is not None]
        if len(given) != 1:
            what = "the request has no method" if not given else f"the request has {len(given)} methods"
            expected = "one of " + ", ".join(f"`{method}`" for method in METHODS)
            raise raised([Complaint((given[1],) if given else (), what, expected, key=True)])
        return self


class Journey(Section):
    """A smoke test: requests in order, or a command that exits with 0."""

    SHORT: ClassVar[str] = "requests"
    EXPECTED: ClassVar[str] = "a list of requests, or a mapping with `requests` or `command`"

    requests: Annotated[tuple[Request, ...], Strict(strict=False)] = Field(
        default=(), description="The requests, in order."
    )
    command: Words = Field(
        default=(), description="A command instead, run where the instance runs; it must exit with 0."
    )
    timeout: SomeSeconds = Field(default=10.0, description="How long each request, or the command, may take.")

    @classmethod
    def expand(cls, value: object) -> object:
        """A list is its requests."""
        requests: dict[str, object] = {"requests": value}
        return requests if isinstance(value, list) else value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if bool(self.requests) == bool(self.command):
            what = (
                "the smoke test has both requests and a command"
                if self.command
                else "the smoke test asks nothing"
            )
            raise raised([Complaint((), what, self.EXPECTED)])
        return self
