"""A rollout: the steps by which a new version gets its traffic."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema, model_validator

from headgate.config.models.complaint import Complaint, raised, shown, wrong
from headgate.config.models.quantity import Quantity
from headgate.config.models.section import Section
from headgate.config.models.time_of_day import TimeOfDay
from headgate.config.models.value import HeaderName, Label, Seconds, SomeSeconds, Text, one_or_many
from headgate.config.quantities import PERCENTAGE, write_duration, write_percentage

Strategy = Literal["canary", "blue-green", "rolling", "all-at-once"]


def _whole(share: float) -> int:
    percent = share * 100
    if abs(percent - round(percent)) > 1e-9:  # noqa: PLR2004 - what floats leave over
        raise wrong(f"`{write_percentage(share)}` is between two weights", "a whole percentage like `5%`")
    return round(percent)


def read_weight(value: object) -> int:
    """A whole percentage above 0 and up to 100. Raises PydanticCustomError."""
    share = Quantity(PERCENTAGE, low=0.0, high=1.0, above=True).read(value)
    return _whole(share or 0.0)


Percent = Annotated[
    int,
    BeforeValidator(read_weight),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+%$", "examples": ["5%"]}),
]


def _smoke(value: object) -> object:
    if value is True:
        return ()
    if value is False:
        return None
    return one_or_many(value)


SmokeNames = Annotated[
    Annotated[tuple[Label, ...], Strict(strict=False)] | None,
    BeforeValidator(_smoke),
    WithJsonSchema(
        {"anyOf": [{"type": ["boolean", "string"]}, {"type": "array", "items": {"type": "string"}}]}
    ),
]


def _question(value: object) -> object:
    if value is True:
        return ""
    if isinstance(value, str):
        return value
    raise wrong(f"{shown(value)} is no reason to pause", "what the person should look at, or `true`")


Question = Annotated[str, BeforeValidator(_question), WithJsonSchema({"type": ["string", "boolean"]})]


class Matches(Section):
    """Requests that reach the new version whatever the weight: internal users first."""

    EXPECTED: ClassVar[str] = "a mapping like `{header: {x-internal: yes}}`"

    header: dict[HeaderName, Text] = Field(default={}, description="Headers that have exactly these values.")
    cookie: dict[HeaderName, Text] = Field(default={}, description="Cookies that have exactly these values.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.header and not self.cookie:
            raise raised([Complaint((), "nothing is matched", "a header or a cookie with its value")])
        return self


class Step(Section):
    """One line of a rollout: who reaches the new version, for how long, and what is asked then."""

    EXPECTED: ClassVar[str] = "a mapping like `{weight: 5%, bake: 30s}`"

    match: Matches | None = Field(
        default=None, description="Requests that reach the new version whatever the weight."
    )
    weight: Percent | None = Field(
        default=None, description="The share of requests that reach the new version."
    )
    mirror: Percent | None = Field(
        default=None, description="The share of requests copied to the new version, its answers thrown away."
    )
    bake: SomeSeconds | None = Field(
        default=None, description="How long to watch, at least; then a pass goes on."
    )
    deadline: SomeSeconds | None = Field(
        default=None,
        description="How long to wait for a pass; then `on_inconclusive` decides. Default: what a good version takes.",
    )
    smoke: SmokeNames = Field(
        default=None, description="Smoke tests to run: `true` for all, a name, or several."
    )
    until: TimeOfDay | None = Field(
        default=None,
        description="Wait for a time of day, or for hours of the day, before the rest of the step.",
        examples=["22:00 Europe/Berlin", "22:00-06:00 Europe/Berlin"],
    )
    pause: Question | None = Field(
        default=None, description="Wait for `headgate approve`; a question to the person."
    )

    @property
    def moves(self) -> bool:
        """True when it changes who reaches the new version."""
        return bool(self.match or self.weight or self.mirror)

    @model_validator(mode="after")
    def _sense(self) -> Self:
        found: list[Complaint] = []
        asks = any(one is not None for one in (self.bake, self.smoke, self.pause, self.until))
        if not self.moves and not asks:
            found.append(
                Complaint(
                    (),
                    "the step does nothing",
                    "`weight`, `match`, `mirror`, `smoke`, `bake`, `until` or `pause`",
                )
            )
        elif not asks:
            what = "the step moves traffic, and does not say how long to watch"
            found.append(Complaint((), what, "a `bake`, such as `30s`"))
        if self.deadline is not None and self.bake is None:
            found.append(
                Complaint(("deadline",), "a deadline is for a `bake`, and there is none", "", "", key=True)
            )
        elif self.deadline is not None and self.bake is not None and self.deadline < self.bake:
            what = "the deadline comes before the bake is over"
            found.append(Complaint(("deadline",), what, f"at least {write_duration(self.bake)}"))
        if found:
            raise raised(found)
        return self


class StickyBy(Section):
    """What keeps a client on the version it met first."""

    EXPECTED: ClassVar[str] = "`{cookie: NAME, ttl: 1h}` or `{header: NAME}`"

    cookie: HeaderName | None = Field(default=None, description="A cookie of this name, set by the proxy.")
    header: HeaderName | None = Field(
        default=None, description="The hash of this header, which clients send."
    )
    ttl: SomeSeconds = Field(default=3600.0, description="How long the cookie lives.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.cookie is None) == (self.header is None):
            what = "clients are kept by two things" if self.cookie else "clients are kept by nothing"
            raise raised([Complaint((), what, self.EXPECTED)])
        if self.header is not None and "ttl" in self.model_fields_set:
            raise raised([Complaint(("ttl",), "only a cookie has a `ttl`", "", "", key=True)])
        return self


class Rollout(Section):
    """The strategy and its steps."""

    EXPECTED: ClassVar[str] = "a mapping with `strategy` and `steps`"

    strategy: Strategy = Field(
        default="canary",
        description="canary: by the steps below. blue-green: a switch, after a preview. rolling: instances by batches. "
        "all-at-once: everybody, unmeasured.",
    )
    steps: Annotated[tuple[Step, ...], Strict(strict=False)] = Field(
        default=(), description="The steps. A canary without any gets 5%, 25% and 50%, a minute each."
    )
    sticky: StickyBy | None = Field(default=None, description="Keep each client on one version.")
    batch: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="How many instances `rolling` replaces at a time."
    )
    soak: Seconds = Field(
        default=30.0,
        description="How long the new version is watched with all the traffic (rolling: after each batch).",
    )
    warm: Seconds = Field(
        default=600.0, description="How long the old version stays warm for an instant way back."
    )
    fresh_baseline: bool = Field(
        default=False,
        description="Start the old version once more, beside a canary and as large as it, and compare the two.",
    )

    @model_validator(mode="after")
    def _sense(self) -> Self:
        found = [*self._ladder()]
        given = self.model_fields_set
        if self.strategy in ("all-at-once", "rolling") and self.steps:
            found.append(
                Complaint(
                    ("steps",), f"`{self.strategy}` has no steps", "another strategy, or no steps", key=True
                )
            )
        if self.strategy == "canary" and "steps" in given and not self.steps:
            found.append(
                Complaint(("steps",), "the list of steps is empty", "steps, or no `steps` at all", key=True)
            )
        if self.strategy != "rolling" and "batch" in given:
            hint = "did you mean `strategy: rolling`?" if "strategy" not in given else ""
            found.append(Complaint(("batch",), "`batch` is for `rolling` only", "", hint, key=True))
        if self.fresh_baseline and self.strategy != "canary":
            what = "`fresh_baseline` is for a `canary` only"
            found.append(Complaint(("fresh_baseline",), what, "no `fresh_baseline` here", key=True))
        if found:
            raise raised(found)
        return self

    def _ladder(self) -> list[Complaint]:
        weighted = [(index, step.weight) for index, step in enumerate(self.steps) if step.weight is not None]
        return [
            Complaint(
                ("steps", index, "weight"),
                f"the weight goes down from {before}% to {weight}%",
                f"{before}% or more",
            )
            for (_, before), (index, weight) in pairwise(weighted)
            if weight < before
        ]
