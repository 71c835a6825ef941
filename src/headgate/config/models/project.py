"""The whole project file, as one model."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, Strict, WithJsonSchema

from headgate.config.models.audience import Channel, Mark, Role
from headgate.config.models.platform import PlatformName
from headgate.config.models.section import Section
from headgate.config.models.service import Service
from headgate.config.models.value import Label, Name
from headgate.config.source import Source
from headgate.core.model import HOST
from headgate.core.model.audience import RoleName

# Where a service runs, and by which rules it is released there.

CHANNELS_MAX = 50


class Environment(Section):
    """An environment. `services` holds every service in full, with this environment's changes merged in."""

    EXPECTED: ClassVar[str] = "a mapping with `production` and `services`, or nothing"

    production: bool = Field(
        default=False, description="Real users are here: `all-at-once` needs break-glass."
    )
    platform: PlatformName = Field(
        default=HOST, description="Where services run here: the name of a platform's plugin."
    )
    on_inconclusive: Literal["hold", "roll_back", "promote"] = Field(
        default="hold", description="What a deadline does when the evidence proves neither good nor bad."
    )
    on_no_data: Literal["hold", "roll_back"] = Field(
        default="hold", description="What is done when nothing can be measured."
    )
    concurrency: Literal["refuse", "queue", "supersede"] = Field(
        default="refuse", description="What happens to a deploy while another is under way."
    )
    gates: Annotated[tuple[Label, ...], Strict(strict=False)] = Field(
        default=(), description="Gates to ask before anything changes, by name."
    )
    notify: Annotated[dict[Label, Channel], Field(max_length=CHANNELS_MAX)] = Field(
        default={}, description="Channels that are told of releases here, by name."
    )
    markers: Annotated[dict[Label, Mark], Field(max_length=CHANNELS_MAX)] = Field(
        default={},
        description="Systems in which releases here leave their mark, by name: `to` is the plugin.",
    )
    roles: dict[RoleName, Role] = Field(
        default={}, description="Who watches, decides, speaks and writes down, for releases here."
    )
    services: dict[Name, Service] = Field(
        default={}, description="Changes to services here: mappings merge, null removes, all else replaces."
    )


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
