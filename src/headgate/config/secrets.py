"""The file that declares secrets, read to the core's noun, or to all that is wrong with it."""

import os
import stat
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, Strict, model_validator

from headgate.config.checked import checked
from headgate.config.models.complaint import Complaint, raised
from headgate.config.models.section import Section
from headgate.config.models.value import FilePath, Names, Variable, Wording
from headgate.config.problems import ConfigError, Problem
from headgate.config.source import read
from headgate.core.home.secrets import Declaration, Declarations
from headgate.core.model import SecretSource

# The file in which the host's owner declares secrets for what comes in by the front door.

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


_EXAMPLE = (
    "`secrets: {prometheus-token: {file: /etc/headgate/prometheus, projects: [shop], used_by: [prom], "
    "to: [prometheus.example.com]}}`"
)
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH


def load_secrets(path: Path) -> Declarations:
    """What the file at `path` declares; nothing where there is none. Raises ConfigError, also where others write it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, 0, f"the file cannot be read: {error.strerror}")]) from None
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & _WRITABLE:
        what = (
            "others than the owner of the home may write this file, and so hand out every secret of the host"
        )
        hint = f"`chown {os.geteuid()} {path} && chmod 600 {path}`, once you know what it says"
        raise ConfigError([Problem(str(path), 0, 0, what, "a file of the home's owner alone", hint)])
    return secrets_in(read(path, "a file that declares secrets", _EXAMPLE), str(path))


def secrets_in(text: str, name: str) -> Declarations:
    """The same of a text; `name` is how errors call it. Raises ConfigError."""
    declared = checked(text, name, DeclaredSecrets, _EXAMPLE).secrets
    return {one: _declaration(secret) for one, secret in declared.items()}


def _declaration(secret: DeclaredSecret) -> Declaration:
    source = SecretSource("file", secret.file) if secret.file else SecretSource("env", secret.env or "")
    return Declaration(source, secret.projects, secret.used_by, secret.to)
