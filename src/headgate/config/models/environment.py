"""Where a service runs, and by which rules it is released there."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, Strict

from headgate.config.models.audience import Channel, Mark, Role
from headgate.config.models.platform import PlatformName
from headgate.config.models.section import Section
from headgate.config.models.service import Service
from headgate.config.models.value import Label, Name
from headgate.core.model import HOST
from headgate.core.model.audience import RoleName

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
