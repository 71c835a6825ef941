"""Commands of the project's own that belong to a release: a migration, a warm cache, a purge, a search index."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, Strict, model_validator

from headgate.config.models.complaint import Complaint, raised
from headgate.config.models.section import Section
from headgate.config.models.value import Build, Name, SomeSeconds, Text

COMMANDS_MAX = 20
LIMIT_S = 300.0


class Command(Section):
    """A change that the project makes by a command, in the new version's tree and with its environment."""

    EXPECTED: ClassVar[str] = "a mapping like `{name: migrate, apply: bin/migrate, undo: bin/migrate --down}`"

    name: Name = Field(description="What people call it.")
    apply: Build = Field(description="What makes the change; it must exit with 0.")
    check: Build | None = Field(
        default=None,
        description="What says whether the change is there: exit 0 for yes, 1 for no; asked after a failure.",
    )
    undo: Build | None = Field(
        default=None, description="What takes the change back when the release is undone."
    )
    one_way: Annotated[Text, Field(min_length=1)] | None = Field(
        default=None, description="Why nothing can take it back: from then on there is no going back."
    )
    timeout: SomeSeconds = Field(default=LIMIT_S, description="How long each of them may take.")

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.undo is not None and self.one_way is not None:
            what = "the command has an `undo` and says that nothing can take it back"
            raise raised([Complaint(("one_way",), what, "one of the two", "", key=True)])
        return self


Commands = Annotated[tuple[Command, ...], Strict(strict=False), Field(max_length=COMMANDS_MAX)]
