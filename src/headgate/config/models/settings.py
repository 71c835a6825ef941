"""Settings of a plugin in a project file, checked field by field against the plugin's own `Settings`.

The convention of how its fields are written is in `ports.registry`.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Union, cast, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from headgate.config.models.complaint import Complaint, in_quotes, listed, shown
from headgate.config.problems import closest
from headgate.config.quantities import DURATION, PERCENTAGE, SIZE, Notation
from headgate.core.model import SecretSource

SECRET = "`{env: NAME}`, `{file: PATH}` or `{secret: NAME}`"  # noqa: S105 - how one is named
SETTINGS_MAX_BYTES = 64 * 1024

_UNITS: dict[str, Notation] = {"_s": DURATION, "_ratio": PERCENTAGE, "_bytes": SIZE}
_SOURCES = ("env", "file", "secret")
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "`true` or `false`"}

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Wrong(Exception):  # noqa: N818 - carries what is wrong up to the mapping it is in
    """What is wrong with one value."""

    complaints: tuple[Complaint, ...]


def read_settings(kind: type[msgspec.Struct], written: Mapping[str, object]) -> dict[str, Any]:
    """The settings in `written` as plain JSON values that msgspec converts to `kind`.

    Raises Wrong with everything that is wrong, each with its place in `written`. A key with nothing after it counts as
    not given.
    """
    settings, complaints = _struct(kind, {key: value for key, value in written.items() if value is not None})
    if complaints:
        raise Wrong(tuple(complaints))
    try:
        whole = msgspec.convert(settings, kind)
    except msgspec.ValidationError as error:
        raise Wrong((Complaint((), str(error)),)) from None
    if len(msgspec.json.encode(whole)) > SETTINGS_MAX_BYTES:
        raise Wrong(
            (Complaint((), "these settings are too large", f"at most {SETTINGS_MAX_BYTES // 1024}KiB"),)
        )
    return settings


def written_name(field: FieldInfo) -> str:
    """The key under which a field stands in a project file."""
    unit = _unit(field)
    return field.encode_name.removesuffix(unit) if unit else field.encode_name


def _unit(field: FieldInfo) -> str:
    numbers = {int, float} & set(_options(field.type))
    return next((unit for unit in _UNITS if numbers and field.encode_name.endswith(unit)), "")


def _struct(
    kind: type[msgspec.Struct], written: Mapping[str, object]
) -> tuple[dict[str, Any], list[Complaint]]:
    known = {written_name(field): field for field in fields(kind)}
    complaints = [
        *_unknown(known, written),
        *(
            Complaint((), f"the key `{name}` is missing", _noun(field))
            for name, field in known.items()
            if field.required and name not in written
        ),
    ]
    settings: dict[str, Any] = {}
    for name, field in known.items():
        if name not in written:
            continue
        try:
            settings[field.encode_name] = _field(field, written[name])
        except Wrong as wrong:
            complaints += _moved(wrong, name)
    return settings, complaints


def _unknown(known: Mapping[str, FieldInfo], written: Mapping[str, object]) -> Iterator[Complaint]:
    with_unit = {field.encode_name: name for name, field in known.items()}
    for key in written.keys() - known.keys():
        near = with_unit.get(key) or closest(key, known)
        hint = f"did you mean `{near}`?" if near else ""
        yield Complaint((key,), f"the key `{key}` is unknown", listed(known), hint, key=True)


def _field(field: FieldInfo, value: object) -> Any:  # noqa: ANN401 - JSON
    unit = _unit(field)
    return _quantity(_UNITS[unit], value) if unit else _value(field.type, value)


def _quantity(notation: Notation, value: object) -> float:
    expected = f"{notation.noun} like {' or '.join(f'`{one}`' for one in notation.examples[:2])}"
    if not isinstance(value, str):
        bare = isinstance(value, (int, float)) and not isinstance(value, bool)
        hint = f"did you mean `{value}{notation.bare_unit}`?" if bare else ""
        raise _wrong(f"{shown(value)} is not {notation.noun}", expected, hint)
    try:
        return notation.read(value)
    except ValueError as error:
        raise _wrong(f"{shown(value)} is not {notation.noun}", expected, str(error)) from None


def _value(kind: object, value: object) -> Any:  # noqa: ANN401 - JSON; one answer a type
    options = _options(kind)
    keyed, several = isinstance(value, dict), isinstance(value, (list, tuple))
    if SecretSource in options and (keyed or str not in options):
        return _secret(value)
    structs = [one for one in options if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    if len(structs) == 1 and (keyed or len(options) == 1):
        return _mapping_of(structs[0], value)
    for option in options:
        if get_origin(option) is dict and (keyed or len(options) == 1):
            return _entries(get_args(option)[1], value)
        if get_origin(option) is tuple and (several or len(options) == 1):
            return _items(get_args(option)[0], value)
    return _scalar(kind, options, value)


def _mapping_of(kind: type[msgspec.Struct], value: object) -> dict[str, Any]:
    known = [written_name(field) for field in fields(kind)]
    if not isinstance(value, dict):
        raise _wrong(f"{shown(value)} is not possible here", f"a mapping with {listed(known)}")
    settings, complaints = _struct(kind, cast("dict[str, object]", value))
    if complaints:
        raise Wrong(tuple(complaints))
    return settings


def _entries(kind: object, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(f"{shown(value)} is not possible here", "a mapping")
    return dict(_each(kind, cast("dict[str, object]", value).items()))


def _items(kind: object, value: object) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(
            f"{shown(value)} is not a list", "a list", f"did you mean `[{shown(value).strip('`')}]`?"
        )
    return [one for _, one in _each(kind, enumerate(cast("Sequence[object]", value)))]


def _each(kind: object, values: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - keys or positions, with values
    found: list[tuple[Any, Any]] = []
    complaints: list[Complaint] = []
    for place, one in values:
        try:
            found.append((place, _value(kind, one)))
        except Wrong as wrong:
            complaints += _moved(wrong, place)
    if complaints:
        raise Wrong(tuple(complaints))
    return found


def _secret(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        said = "nothing is written here" if value is None else "a secret is named here, never written"
        raise Wrong((Complaint((), said, SECRET, secret=True),))
    given = cast("dict[str, object]", value)
    if len(given) != 1 or next(iter(given)) not in _SOURCES:
        raise Wrong((Complaint((), "this does not say from where the secret is read", SECRET, secret=True),))
    kind, name = next(iter(given.items()))
    if not isinstance(name, str) or not name:
        raise _wrong(
            f"{shown(name)} is not possible here",
            "the name of a variable, the path of a file, or a declared name",
        )
    return {"kind": kind, "name": name}


def _scalar(kind: object, options: tuple[object, ...], value: object) -> Any:  # noqa: ANN401 - JSON
    try:
        return msgspec.to_builtins(msgspec.convert(value, cast("Any", kind)))
    except msgspec.ValidationError as error:
        choices = [
            str(one) for option in options if get_origin(option) is Literal for one in get_args(option)
        ]
        if choices:
            near = closest(value, choices) if isinstance(value, str) else None
            hint = f"did you mean `{near}`?" if near else ""
            raise _wrong(f"{shown(value)} is not possible here", listed(choices), hint) from None
        nouns = [_WORDS[one] for one in options if isinstance(one, type) and one in _WORDS]
        hint = in_quotes(value) if str in options else ""
        if nouns:
            raise _wrong(f"{shown(value)} is not possible here", " or ".join(nouns), hint) from None
        raise _wrong(f"{shown(value)} is not possible here: {error}") from None


def _options(kind: object) -> tuple[object, ...]:
    """The types that `kind` allows, None left out."""
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(one for option in get_args(kind) if option is not type(None) for one in _options(option))
    origin = get_origin(kind)
    return _options(get_args(kind)[0]) if origin is not None and hasattr(kind, "__metadata__") else (kind,)


def _noun(field: FieldInfo) -> str:
    unit, options = _unit(field), _options(field.type)
    if unit:
        return _UNITS[unit].noun
    if SecretSource in options:
        return SECRET
    choices = [str(one) for option in options if get_origin(option) is Literal for one in get_args(option)]
    if choices:
        return listed(choices)
    return next((_WORDS[one] for one in options if isinstance(one, type) and one in _WORDS), "a mapping")


def _wrong(what: str, expected: str = "", hint: str = "") -> Wrong:
    return Wrong((Complaint((), what, expected, hint),))


def _moved(wrong: Wrong, part: str | int) -> list[Complaint]:
    return [replace(one, loc=(part, *one.loc)) for one in wrong.complaints]
