"""The audience of an environment's releases: channels, quiet hours, and the people with a role."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self, cast, get_args
from zoneinfo import ZoneInfo, available_timezones

from msgspec.structs import fields
from pydantic import BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema, model_validator

from headgate.config.models.complaint import Complaint, in_quotes, listed, raised, shown, wrong
from headgate.config.models.plugin import Declared, Plugin, declared
from headgate.config.models.section import Section
from headgate.config.models.settings import Wrong, written_name
from headgate.config.models.time_of_day import Clock
from headgate.config.models.value import Label, SomeSeconds, Text, one_or_many
from headgate.config.problems import closest
from headgate.core.model.audience import Moment, Severity
from headgate.ports.errors import Permanent

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_TEXT = "days like `mon`, or a stretch of them like `mon-fri`"
GROUP, KEY = "notifiers", "to"


def _days(value: object) -> tuple[int, ...]:
    """The numbers of days (0 is Monday), each once, in the order of the week."""
    words = cast("tuple[object, ...] | list[object]", one_or_many(value))
    found: set[int] = set()
    for word in words:
        first, dash, last = word.partition("-") if isinstance(word, str) else ("", "", "")
        if first not in DAYS or (dash and last not in DAYS):
            near = closest(first, DAYS) if first and not dash else None
            raise wrong(
                f"{shown(word)} is no day of the week", _DAYS_TEXT, f"did you mean `{near}`?" if near else ""
            )
        begin, end = DAYS.index(first), DAYS.index(last or first)
        span = (end - begin) % len(DAYS)
        found |= {(begin + step) % len(DAYS) for step in range(span + 1)}
    if not found:
        raise wrong("no day is named", _DAYS_TEXT)
    return tuple(sorted(found))


def _zone(value: object) -> str:
    if isinstance(value, str):
        try:
            return ZoneInfo(value).key
        except (OSError, ValueError, KeyError):
            near = closest(value, available_timezones())
            hint = f"did you mean `{near}`?" if near else ""
            raise wrong(
                f"there is no time zone {shown(value)}", "a name like `Europe/Berlin`", hint
            ) from None
    raise wrong(f"{shown(value)} is no time zone", "a name like `Europe/Berlin`", in_quotes(value))


_DAY_WORDS = {"type": "string", "examples": ["mon", "mon-fri"]}
Days = Annotated[
    tuple[int, ...],
    BeforeValidator(_days),
    Strict(strict=False),
    WithJsonSchema({"anyOf": [_DAY_WORDS, {"type": "array", "items": _DAY_WORDS}]}),
]
Zone = Annotated[str, BeforeValidator(_zone)]
_MOMENT = {"enum": list(get_args(Moment))}
_LABEL = {"type": "string"}
Moments = Annotated[
    tuple[Moment, ...],
    BeforeValidator(one_or_many),
    Strict(strict=False),
    WithJsonSchema({"anyOf": [_MOMENT, {"type": "array", "items": _MOMENT}]}),
]
Channels = Annotated[
    tuple[Label, ...],
    BeforeValidator(one_or_many),
    Strict(strict=False),
    WithJsonSchema({"anyOf": [_LABEL, {"type": "array", "items": _LABEL}]}),
]


class Quiet(Section):
    """When only what is critical is told at once."""

    EXPECTED: ClassVar[str] = 'a mapping like `{from: "22:00", until: "07:00"}`'

    start: Clock = Field(alias="from", description="When it begins.")
    until: Clock = Field(description="When it ends; the next day, where that is earlier.")
    zone: Zone = Field(default="UTC", description="The time zone of both.")
    days: Days = Field(
        default=(0, 1, 2, 3, 4, 5, 6), description="The days on which it begins; every day by default."
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.until:
            raise raised([Complaint(("until",), "it ends when it begins", "another time than `from`")])
        return self


class _Broken:
    """What is wrong with a channel's plugin, on its way to be told beside what is wrong with its other keys."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        self.complaints = complaints


def _whole(value: object) -> Declared:
    if isinstance(value, _Broken):
        raise raised([replace(one, beside=True) for one in value.complaints])
    assert isinstance(value, Declared), "it was read with the whole channel"
    return value


class Channel(Section):
    """Where messages go. Every key that is none of its own is a setting of the plugin that `to` names."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    EXPECTED: ClassVar[str] = "a mapping with `to`, the plugin, and its settings"

    to: Annotated[Declared, BeforeValidator(_whole), WithJsonSchema({"type": "string"})] = Field(
        description="The plugin that sends: `apprise`, `webhook`, or one of your own."
    )
    on: Moments = Field(default=(), description="What is told here; by default everything but `step`.")
    severity: Severity = Field(default="info", description="The least that is told here.")
    quiet: Quiet | None = Field(default=None, description="Quiet hours: what is not critical waits, as one.")

    @model_validator(mode="before")
    @classmethod
    def _with_plugin(cls, data: object) -> object:
        """Read the plugin and its settings as one value, under `to`."""
        if not isinstance(data, Mapping):
            return data
        written = dict(cast("Mapping[str, object]", data))
        own = {key: value for key, value in written.items() if key in cls.model_fields and key != KEY}
        plugin = {key: value for key, value in written.items() if key not in own}
        try:
            return {KEY: declared(GROUP, KEY, plugin), **own}
        except Wrong as found:
            return {KEY: _Broken(tuple(_named(one, plugin, cls) for one in found.complaints)), **own}


def _named(found: Complaint, plugin: Mapping[str, object], channel: type[Channel]) -> Complaint:
    """An unknown key may have been meant as one of the channel's own."""
    if not found.key or len(found.loc) != 1:
        return found
    known = [*channel.model_fields, *_settings(str(plugin.get(KEY)))]
    near = closest(str(found.loc[0]), known)
    hint = f"did you mean `{near}`?" if near else ""
    return replace(found, expected=listed(known), hint=hint)


def _settings(name: str) -> list[str]:
    """How the settings of a plugin are written."""
    from headgate.ports.registry import settings_type  # noqa: PLC0415 - see `plugin.declared`

    try:
        kind: Any = settings_type(GROUP, name)
    except Permanent:
        return []
    return [] if kind is None else [written_name(field) for field in fields(kind)]


class Role(Section):
    """Who has a role in releases here."""

    EXPECTED: ClassVar[str] = "a mapping with `who` and `channels`"

    who: Text = Field(description="Who it is, in words: a rota, a team, an office.")
    channels: Annotated[Channels, Field(min_length=1)] = Field(
        description="Where they are told, whatever the channel listens to."
    )
    fallback: Text = Field(default="", description="Who decides when a decision has waited too long.")
    fallback_channels: Channels = Field(
        default=(), description="Where the fallback is told; by default in the same channels."
    )
    escalate: SomeSeconds = Field(default=900.0, description="How long a decision may wait.")


Mark = Annotated[Declared, Plugin("markers", "to")]
