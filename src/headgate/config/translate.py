"""pydantic's errors to problems: each at its place in the file, in one sentence for people."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from headgate.config.models import Project, Section
from headgate.config.models.complaint import TYPE, Complaint, listed, shown
from headgate.config.problems import Problem, closest
from headgate.config.source import Source
from headgate.config.tree import Loc, locate

_BLANK = "nothing is written here"
_KEY = "[key]"  # pydantic's last part of a location, when a mapping's key is meant

# What the words of other tools are called here.
_FOREIGN = {
    "port": "listen", "ports": "listen", "command": "run", "cmd": "run", "start": "run", "entrypoint": "run",
    "replicas": "instances", "scale": "instances", "environment": "env", "variables": "env", "depends_on": "needs",
    "healthcheck": "probes", "health": "probes", "build": "artifact", "image": "artifact", "strategy": "rollout",
    "initialdelayseconds": "delay", "periodseconds": "every", "interval": "every", "timeoutseconds": "timeout",
    "failurethreshold": "failures", "successthreshold": "successes", "retries": "failures", "httpget": "http",
    "exec": "command", "tcpsocket": "tcp", "latency": "p99", "errors": "error_ratio", "error_rate": "error_ratio",
    "percent": "weight", "setweight": "weight", "traffic": "weight", "duration": "bake", "wait": "bake",
    "url": "get", "fetch": "get", "expect": "status", "name": "project", "apps": "services", "version": "headgate",
}  # fmt: skip


def problems_of(error: ValidationError, source: Source, whole: type[Section] = Project) -> list[Problem]:
    """Every error of `error`, at its place in `source` (whose root is the tree that was validated as a `whole`)."""
    found: list[Problem] = []
    secret: set[int] = set()
    for detail in error.errors(include_url=False):
        loc: Loc = tuple(detail["loc"])
        is_key = bool(loc) and loc[-1] == _KEY
        if is_key:
            loc = loc[:-1]
        for complaint in _complaints(detail, loc, source, whole):
            place = (*(loc[:-1] if complaint.beside else loc), *complaint.loc)
            key = complaint.key or is_key
            problem = source.problem_at(place, complaint.what, complaint.expected, complaint.hint, key=key)
            found.append(problem)
            secret |= {problem.line} if complaint.secret else set()
    return [replace(one, source="") if one.line in secret else one for one in found]


def _complaints(detail: ErrorDetails, loc: Loc, source: Source, whole: type[Section]) -> Sequence[Complaint]:
    context = cast("Mapping[str, Any]", detail.get("ctx", {}))
    hidden = source.root is not None and source.hidden(locate(source.root, loc))
    value = "this value" if hidden else shown(detail["input"])
    if detail["type"] == TYPE:
        found = cast("list[Complaint]", context["complaints"])
        blank = detail["input"] is None
        if detail["loc"] and detail["loc"][-1] == _KEY:
            return found
        told = [replace(one, what=one.what.replace(shown(detail["input"]), value)) for one in found]
        return [replace(one, what=_BLANK) if blank and not one.loc else one for one in told]
    if detail["type"] == "extra_forbidden":
        return [_unknown_key(loc, whole)]
    if detail["type"] == "missing":
        return [Complaint((), f"the key `{loc[-1]}` is missing", _purpose(loc, whole))]
    if detail["input"] is None:
        return [Complaint((), _BLANK, _purpose(loc, whole))]
    sentence = _SENTENCES.get(detail["type"])
    if sentence is None:
        return [Complaint((), f"{value} is not possible here", _purpose(loc, whole))]
    what, expected, hint = sentence(value, context)
    return [Complaint((), what, expected, hint)]


Sentence = Callable[[str, Mapping[str, Any]], tuple[str, str, str]]
"""From the value as it is shown, and pydantic's context: what is wrong, what was expected, a hint."""


def _kind(noun: str) -> Sentence:
    return lambda value, _: (f"{value} is not possible here", noun, "")


def _bound(what: str, how: str, limit: str) -> Sentence:
    return lambda value, context: (f"{value} is too {what}", f"{how} {context[limit]:g}", "")


def _number(value: str, _: Mapping[str, Any]) -> tuple[str, str, str]:
    bare = value.strip("`")
    hint = f"did you mean `{bare}` without quotes?" if bare.isdecimal() else ""
    return f"{value} is not possible here", "a whole number", hint


def _choice(value: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    names = [name.strip("' ") for name in str(context["expected"]).replace(" or ", ", ").split(",")]
    names = ["true" if name == "True" else name for name in names]
    word = value.strip("`")
    near = closest({"yes": "true", "on": "true"}.get(word, word), names)
    hint = f"did you mean `{near}`" + (" without quotes?" if near == word else "?") if near else ""
    return f"{value} is not possible here", listed(names), hint


def _truth(value: str, _: Mapping[str, Any]) -> tuple[str, str, str]:
    word = value.strip("`").lower()
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(word)
    hint = f"since YAML 1.2 `{word}` is a word; did you mean `{meant}`?" if meant else ""
    return f"{value} is neither true nor false", "`true` or `false`", hint


_SENTENCES: dict[str, Sentence] = {
    "string_type": _kind("text"),
    "int_type": _number,
    "int_from_float": _kind("a whole number"),
    "float_type": _kind("a number"),
    "bool_type": _truth,
    "dict_type": _kind("a mapping"),
    "tuple_type": lambda value, _: (
        f"{value} is not a list",
        "a list",
        f"did you mean `[{value.strip('`')}]`?",
    ),
    "literal_error": _choice,
    "greater_than_equal": _bound("small", "at least", "ge"),
    "greater_than": _bound("small", "more than", "gt"),
    "less_than_equal": _bound("large", "at most", "le"),
    "too_short": lambda _value, _context: ("nothing is in it", "at least one entry", ""),
    "too_long": lambda _, context: ("too much is in it", f"at most {context['max_length']} entries", ""),
}


def _unknown_key(loc: Loc, whole: type[Section]) -> Complaint:
    name = str(loc[-1])
    model = _model_at(loc[:-1], whole)
    keys = [field.alias or key for key, field in model.model_fields.items()] if model else []
    near = closest(name, keys)
    foreign = _FOREIGN.get(name.lower().replace("-", "_"))
    near = foreign if foreign in keys and (near is None or near != foreign) else near
    hint = f"did you mean `{near}`?" if near else ""
    return Complaint((), f"the key `{name}` is unknown", listed(keys), hint, key=True)


def _purpose(loc: Loc, whole: type[Section]) -> str:
    """What the schema says the value at `loc` is for."""
    model = _model_at(loc[:-1], whole) if loc else None
    if model is None:
        return ""
    for name, field in model.model_fields.items():
        if loc[-1] in (name, field.alias):
            text = (field.description or "").split(". ")[0].rstrip(".")
            return text[:1].lower() + text[1:]
    return ""


def _model_at(loc: Loc, whole: type[Section]) -> type[Section] | None:
    """The model that reads the mapping at `loc`, where `whole` reads the file."""
    kind: object = whole
    for part in loc:
        kind = _inner(kind, part)
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _inner(kind: object, part: str | int) -> object:
    """The type of `part` within `kind`: a model's field, a mapping's value, a list's item."""
    if isinstance(kind, type) and issubclass(kind, Section):
        fields = kind.model_fields.items()
        return next((_bare(field.annotation) for name, field in fields if part in (name, field.alias)), None)
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return _bare(arguments[1])
    return _bare(arguments[0]) if get_origin(kind) is tuple else None


def _bare(kind: object) -> object:
    """`kind` without Annotated and without `| None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return next((_bare(option) for option in get_args(kind) if option is not type(None)), None)
    return kind
