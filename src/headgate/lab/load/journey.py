"""What a customer does: a journey is a few steps, each one request, later ones made of what earlier ones answered."""

import string
from collections.abc import Mapping, Sequence
from random import Random

import msgspec

Value = str | int


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that each customer picks anew, every one as likely: `name` stands for it as {name}."""

    name: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"choice {self.name!r} has no values")


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request. {name} in `path` and in the values of the JSON `body` is a choice or an earlier capture.

    `capture` are fields of the JSON answer that later steps use. `expect` are fields and the values that they
    must have: an answer of 200 that does not meet them is no success.
    """

    name: str
    path: str
    method: str = "GET"
    body: dict[str, Value] | None = None
    capture: tuple[str, ...] = ()
    expect: dict[str, Value] = {}

    @property
    def reads_answer(self) -> bool:
        """Whether the answer's body matters."""
        return bool(self.capture or self.expect)

    @property
    def placeholders(self) -> frozenset[str]:
        """The names that must be known before this step."""
        templates = [self.path, *(value for value in (self.body or {}).values() if isinstance(value, str))]
        return frozenset(
            name for text in templates for _, name, _, _ in string.Formatter().parse(text) if name is not None
        )

    def render_path(self, values: Mapping[str, Value]) -> str:
        """The path with everything put in; raises `KeyError` for a name that is not in `values`."""
        return self.path.format_map(values)

    def render_body(self, values: Mapping[str, Value]) -> bytes | None:
        """The JSON body with everything put in, or None.

        A value that is one placeholder keeps the type of what it stands for.
        """
        if self.body is None:
            return None
        return msgspec.json.encode({name: _fill(value, values) for name, value in self.body.items()})


class Journey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Steps in order; it ends early where one does not succeed. `weight` is its share among all journeys."""

    name: str
    steps: tuple[Step, ...]
    weight: float = 1.0
    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        if not self.steps or self.weight <= 0:
            raise ValueError(f"journey {self.name!r} needs a step and a weight above 0")
        known = {choice.name for choice in self.choices}
        for step in self.steps:
            if unknown := step.placeholders - known:
                raise ValueError(
                    f"{self.name}.{step.name} uses {{{min(unknown)}}}, which nothing before it gives"
                )
            known.update(step.capture)


def draw(journeys: Sequence[Journey], random: Random) -> tuple[Journey, dict[str, Value]]:
    """The next customer: one journey by weight, and a value for each of its choices."""
    (journey,) = random.choices(journeys, [journey.weight for journey in journeys])
    return journey, {choice.name: random.choice(choice.values) for choice in journey.choices}


def _fill(value: Value, values: Mapping[str, Value]) -> Value:
    if not isinstance(value, str):
        return value
    if value.startswith("{") and value.endswith("}") and value[1:-1] in values:
        return values[value[1:-1]]
    return value.format_map(values)
