"""What ends the way back of a release, where people know it and Headgate cannot."""

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from headgate.config.models.complaint import Complaint, raised
from headgate.config.models.rollout import read_weight
from headgate.config.models.section import Section
from headgate.config.models.value import Text

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
