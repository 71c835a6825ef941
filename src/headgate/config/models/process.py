"""The process of a service on a host: where it listens, its secrets, how it stops, what it logs."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from headgate.config.models.complaint import Complaint, raised, shown, wrong
from headgate.config.models.section import Section
from headgate.config.models.value import Bytes, FilePath, HeaderName, Host, Seconds, Variable

Port = Annotated[int, Field(ge=1, le=65535)]


class Listen(Section):
    """Where the proxy takes a service's traffic."""

    SHORT: ClassVar[str] = "port"
    EXPECTED: ClassVar[str] = "a port, or a mapping with `port`"

    port: Port = Field(
        description="The service's public port, held by the proxy; instances get ports of their own."
    )
    host: Host = Field(default="127.0.0.1", description="The address to listen on; 0.0.0.0 for all.")
    preview: Port | None = Field(default=None, description="A port that reaches the new version directly.")
    preview_header: HeaderName = Field(
        default="x-headgate-preview",
        description="A request with this header set to `canary` reaches the new version.",
    )

    @model_validator(mode="after")
    def _two_ports(self) -> Self:
        if self.preview == self.port:
            expected = "a port of its own for `preview`"
            raise raised([Complaint(("preview",), f"`{self.port}` is the public port already", expected)])
        return self


class Secret(Section):
    """Where a secret is read when an instance starts. The secret itself is never written in a project file."""

    EXPECTED: ClassVar[str] = "`{file: PATH}` or `{env: NAME}`"

    file: FilePath | None = Field(
        default=None, description="A file that holds it (a newline at its end is dropped)."
    )
    env: Variable | None = Field(default=None, description="A variable in the environment of `headgate up`.")

    @classmethod
    def expand(cls, value: object) -> object:
        """There is no short form: it could only be the secret."""
        what = (
            "a secret is named here, never written"
            if value is not None
            else f"{shown(value)} is written here"
        )
        raise wrong(what, cls.EXPECTED)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.env is None):
            what = "the secret has two sources" if self.file else "the secret has no source"
            raise raised([Complaint((), what, self.EXPECTED)])
        return self


class Stop(Section):
    """How an instance is stopped."""

    EXPECTED: ClassVar[str] = "a mapping with `signal`, `grace` and `drain`"

    signal: Literal["TERM", "INT", "QUIT", "HUP", "USR1", "USR2"] = Field(
        default="TERM", description="The signal that asks it to stop."
    )
    grace: Seconds = Field(default=10.0, description="How long it may take before it is killed.")
    drain: Seconds = Field(
        default=10.0,
        description="How long a version that lost its traffic may finish its requests, before the signal.",
    )


class Logs(Section):
    """How an instance's output is kept."""

    EXPECTED: ClassVar[str] = "a mapping with `size` and `keep`"

    size: Bytes = Field(default=10_000_000, description="The size at which a log file is rotated.")
    keep: Annotated[int, Field(ge=0, le=1000)] = Field(default=5, description="How many old ones are kept.")
