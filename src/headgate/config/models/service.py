"""A service: what it runs, how it is asked, how a new version reaches its users."""

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from headgate.config.models.commands import Commands
from headgate.config.models.complaint import Complaint, raised
from headgate.config.models.criteria import Criteria
from headgate.config.models.platform import PlatformName
from headgate.config.models.plugin import Declared, Plugin
from headgate.config.models.probe import Probes
from headgate.config.models.process import Listen, Logs, Secret, Stop
from headgate.config.models.proxy import Proxy
from headgate.config.models.rollout import Rollout, read_weight
from headgate.config.models.section import Section
from headgate.config.models.smoke import Journey
from headgate.config.models.value import (
    Build,
    Bytes,
    EnvText,
    HttpPath,
    Inside,
    Label,
    Name,
    Names,
    Places,
    Text,
    Variable,
    Words,
)

# What is released.


class Artifact(Section):
    """Built once, promoted unchanged through the environments."""

    SHORT: ClassVar[str] = "path"
    EXPECTED: ClassVar[str] = "a path, or a mapping with `path` and perhaps `build`"

    path: Inside = Field(description="The folder, wheel or archive (.zip, .tar, .tar.gz) to release.")
    build: Build = Field(
        default=(),
        description="The command that makes `path`, run beside the project file; none: it is there already.",
    )


# What ends the way back of a release, where people know it and Headgate cannot.

PROMOTE = "promote"


def _after(value: object) -> int | None:
    return None if value == PROMOTE else read_weight(value)


After = Annotated[
    int | None,
    BeforeValidator(_after),
    WithJsonSchema({"type": "string", "pattern": "^(promote|[0-9]+%)$", "examples": ["promote", "25%"]}),
]


class Rollback(Section):
    """Whether the next release can be undone: a declaration about one change, for the release that brings it."""

    EXPECTED: ClassVar[str] = "a mapping like `{one_way: the queue's format is new, after: promote}`"

    one_way: Annotated[Text, Field(min_length=1)] | None = Field(
        default=None, description="Why there is no going back from this change, for whoever is asked."
    )
    after: After = Field(
        default=None,
        description="From when on: `promote`, or the first step with so much of the traffic, such as `25%`.",
    )

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.one_way is None and "after" in self.model_fields_set:
            what = "it says from when on there is no going back, and not why"
            raise raised([Complaint(("after",), what, "`one_way` with the reason, beside it", "", key=True)])
        return self


INSTANCES_MAX = 100
SOURCES_MAX = 20

Signal = Annotated[Declared, Plugin("signals", "source")]


class Service(Section):
    """One service, whole by itself. An environment may change any key but `artifact`."""

    EXPECTED: ClassVar[str] = "a mapping with `artifact`, `run` and `listen`"

    artifact: Artifact = Field(
        description="What is released: a path, and perhaps the command that builds it."
    )
    run: Words = Field(
        description="The command of one instance, started in a folder of its own with all that the artifact holds. "
        "`{port}` (or `$PORT`) is the port to listen on, on 127.0.0.1; the variable PORT holds it too."
    )
    listen: Listen = Field(description="Where the proxy takes the service's traffic: a port, or a mapping.")
    proxy: Proxy = Field(default=Proxy(), description="How the proxy treats the service's requests.")
    instances: Annotated[int, Field(ge=1, le=INSTANCES_MAX)] = Field(
        default=1, description="How many processes."
    )
    env: dict[Variable, EnvText] = Field(
        default={}, description="Environment variables, no place for secrets."
    )
    secrets: dict[Variable, Secret] = Field(
        default={}, description="Variables whose values are read at start and kept nowhere."
    )
    files: dict[Inside, Inside] = Field(
        default={},
        description="Files to place: the path for the instance, then the path beside the project file.",
    )
    platform: PlatformName | None = Field(
        default=None, description="Where it runs, if that is not its environment's `platform`."
    )
    shared: Places = Field(
        default=(),
        description="Paths in that folder that all versions share and that outlive them: uploads, a database.",
    )
    writable: Places = Field(
        default=(),
        description="Folders in it that must be there at the start, empty and each instance's own: tmp/pids.",
    )
    memory: Bytes | None = Field(default=None, description="The most memory one instance may use.")
    stop: Stop = Field(default=Stop(), description="How an instance is stopped.")
    logs: Logs = Field(default=Logs(), description="How an instance's output is kept.")
    metrics: HttpPath | None = Field(
        default=None, description="Where an instance shows its own metrics (Prometheus text)."
    )
    signals: Annotated[dict[Name, Signal], Field(max_length=SOURCES_MAX)] = Field(
        default={},
        description="Where else signals come from, by name: `source` is the plugin that reads them.",
    )
    probes: Probes = Field(default=Probes(), description="What is asked of each instance.")
    smoke: dict[Label, Journey] = Field(default={}, description="Smoke tests by name.")
    rollout: Rollout = Field(default=Rollout(), description="How a new version gets its traffic.")
    before: Commands = Field(
        default=(), description="Commands that are run before the new version starts, one after another."
    )
    after: Commands = Field(
        default=(),
        description="Commands that are run once it has all the traffic; then the release is promoted.",
    )
    rollback: Rollback = Field(default=Rollback(), description="What ends the way back of the next release.")
    criteria: Criteria = Field(default=Criteria(), description="What a new version must live up to.")
    needs: Names = Field(default=(), description="Services that must be released before this one.")

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        """A command is known by its name, while it runs and when it is asked about."""
        known: set[str] = set()
        for key, commands in (("before", self.before), ("after", self.after)):
            for index, command in enumerate(commands):
                if command.name in known:
                    what = f"another command is called `{command.name}` already"
                    raise raised([Complaint((key, index, "name"), what, "a name of its own")])
                known.add(command.name)
        return self
