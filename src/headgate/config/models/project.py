"""The whole file."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, WithJsonSchema

from headgate.config.models.environment import Environment
from headgate.config.models.section import Section
from headgate.config.models.service import Service
from headgate.config.models.value import Name
from headgate.config.source import Source

SERVICES_MAX = 200


class Project(Section):
    """A checked project file. `environments` is never empty, and each holds all its services in full."""

    EXPECTED: ClassVar[str] = "a mapping with `headgate: 1`, `project` and `services`"

    headgate: Annotated[Literal[1], WithJsonSchema({"const": 1})] = Field(
        description="The version of this format; 1 is the only one."
    )
    project: Name = Field(description="The project's name.")
    services: Annotated[dict[Name, Service], Field(min_length=1, max_length=SERVICES_MAX)] = Field(
        description="The services by name."
    )
    environments: Annotated[dict[Name, Environment], Field(min_length=1)] = Field(
        description="The environments by name. Without any there is one: `production`, with `production: true`."
    )

    _source: Source | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Keep the text, for errors that are found later, when it is given as the context."""
        if isinstance(context, Source):
            self._source = context

    @property
    def source(self) -> Source:
        """The text it was read from, for errors that are found later."""
        return self._source or Source("headgate.yaml", "")
