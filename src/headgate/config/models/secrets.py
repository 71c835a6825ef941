"""The file in which the host's owner declares secrets for what comes in by the front door."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, Strict, model_validator

from headgate.config.models.complaint import Complaint, raised
from headgate.config.models.section import Section
from headgate.config.models.value import FilePath, Names, Variable
from headgate.config.models.wording import Wording

SECRETS_MAX = 500
HOSTS_MAX = 50

SecretName = Annotated[
    str, Wording(r"[a-z0-9][a-z0-9._-]*", "a name like `prometheus-token`", length_max=100)
]
Host = Annotated[
    str,
    Wording(
        r"[A-Za-z0-9_:][A-Za-z0-9._:-]*",
        "a host's name or address, without scheme, port and path",
        length_max=253,
    ),
]


class DeclaredSecret(Section):
    """Where a secret is, what it is for, and where it may be sent."""

    EXPECTED: ClassVar[str] = "a mapping with `file` or `env`, `projects`, `used_by` and `to`"

    file: FilePath | None = Field(default=None, description="A file that holds it, by its full path.")
    env: Variable | None = Field(default=None, description="A variable in the environment of `headgate up`.")
    projects: Annotated[Names, Field(min_length=1)] = Field(description="The projects that may use it.")
    used_by: Annotated[Names, Field(min_length=1)] = Field(
        description="The sources, channels and markers that may use it, by their names in the project."
    )
    to: Annotated[tuple[Host, ...], Strict(strict=False), Field(max_length=HOSTS_MAX)] = Field(
        default=(), description="The hosts that it may be sent to. Without: it is an address itself."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.env is None):
            what = "the secret has two sources" if self.file else "the secret has no source"
            raise raised([Complaint((), what, "`file: /PATH` or `env: NAME`")])
        if self.file is not None and not self.file.startswith("/"):
            raise raised([Complaint(("file",), f"`{self.file}` is no full path", "a path from `/`")])
        return self


class DeclaredSecrets(Section):
    """The whole file."""

    EXPECTED: ClassVar[str] = "a mapping with `secrets`: each by its name"

    secrets: Annotated[dict[SecretName, DeclaredSecret], Field(max_length=SECRETS_MAX)] = Field(
        description="Each secret by the name under which it is used."
    )
