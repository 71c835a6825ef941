"""Every key of the project file takes effect by `deploy`, or `plan` says why not: all of them are walked.

A key that somebody adds to the models and that nothing carries out fails here, by its name.
"""

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from headgate import config
from headgate.config import configuration, intent, load_text, policies
from headgate.config.models import Environment, Project, Service
from headgate.core.model import Hours, Intent, Unit, Version
from headgate.core.release.later import (
    AT_EACH_DEPLOY,
    AT_ONCE,
    OF_A_SERVICE,
    OF_AN_ENVIRONMENT,
    ONLY_SAID,
    Asked,
    later,
)
from headgate.core.release.planning import Policies

REFERENCE = Path(config.__file__).with_name("reference.yaml")
Place = tuple[str | int, ...]
SERVICES = ("web", "payments")
WHERE = "production"
NEVER_ALONE = {
    "project": "another project is another unit altogether",
    "headgate": "the version of the format, of which there is one",
    "services": "what the environments have of them counts",
}


# --- the keys ---------------------------------------------------------------------------------------------------------


def sections(kind: object) -> tuple[type[BaseModel], ...]:
    """The models in an annotation."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return (kind,)
    return tuple(one for argument in get_args(kind) for one in sections(argument))


def keys(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Every key below a model: its path, and the model and field that it is; a section stands for itself, too."""
    for name, field in model.model_fields.items():
        at = f"{path}.{name}" if path else name
        yield at, f"{model.__name__}.{name}"
        yield from (key for one in sections(field.annotation) for key in keys(one, at))


def places(value: object, at: Place = ()) -> Iterator[Place]:
    """Where each key is that has no section of its own below it."""
    if isinstance(value, dict):
        yield from (found for key, one in value.items() for found in places(one, (*at, f"*{key}")))
    elif isinstance(value, tuple):
        yield from (found for index, one in enumerate(value) for found in places(one, (*at, index)))
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            below, found = sections(field.annotation), getattr(value, name)
            yield from places(found, (*at, name)) if below else [(*at, name)]


def prefixes(at: Place) -> Iterator[str]:
    """The paths of a key and of every section that it is in."""
    names = [part for part in at if isinstance(part, str) and not part.startswith("*")]
    yield from (".".join(names[: n + 1]) for n in range(len(names)))


# --- another value ----------------------------------------------------------------------------------------------------


def another(value: object, kind: object) -> object:
    """A value that is another, of the kind that is asked for."""
    choices = next((get_args(one) for one in (kind, *get_args(kind)) if get_origin(one) is Literal), ())
    if choices:
        return next((choice for choice in choices if choice != value), None)
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case tuple():
            return value[:-1] if value else ("x",)
        case dict():
            made = (
                "x" if str in {get_args(one)[-1] for one in _plain(kind) if get_origin(one) is dict} else None
            )
            more = next(iter(value.values()), made)
            return value | {"another": more or "x"} if more is not None else value
        case None | Hours():
            return _made(kind)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return replace(value, settings={**value.settings, "another": 1})  # type: ignore[attr-defined]
        case _:
            raise AssertionError(f"no other value than {value!r} is known for {kind}")


def _made(kind: object) -> object:
    if Hours in _plain(kind):
        return Hours(60, None, "UTC", ((0, 0),))
    for one, made in ((bool, True), (int, 7), (float, 7.0), (str, "x")):
        if one in _plain(kind):
            return made
    return ("x",)


def _plain(kind: object) -> set[object]:
    return {kind} | {found for one in get_args(kind) for found in _plain(one)}


TOGETHER: dict[tuple[str, str], dict[str, object]] = {
    ("Probe", "tcp"): {"http": None, "command": None, "tcp": True},
}
"""What can only be chosen in the place of something else."""


def changed(value: Any, at: Place) -> Any:  # noqa: ANN401 - any part of a project
    """A copy in which what is at this place is another."""
    part, rest = at[0], at[1:]
    if isinstance(value, BaseModel):
        name, found = str(part), getattr(value, str(part))
        kind = type(value).model_fields[name].annotation
        if (together := TOGETHER.get((type(value).__name__, name))) is not None:
            return value.model_copy(update=together)
        made = changed(found, rest) if rest else another(found, kind)
        return value.model_copy(update={name: made})
    if isinstance(value, dict):
        key = str(part).removeprefix("*")
        return value | {key: changed(value[key], rest)}
    index = int(part)
    return (*value[:index], changed(value[index], rest), *value[index + 1 :])


# --- what becomes of it -----------------------------------------------------------------------------------------------


@cache
def reference() -> Project:
    """The reference, which has every key; what is off there has a value."""
    text = REFERENCE.read_text("utf-8").replace("p50: off", "p50: 1s").replace("p99.99: off", "p99.99: 9s")
    return load_text(text, "reference.yaml")


def asked(project: Project, service: str) -> Asked:
    version = Version(Unit("shop", WHERE, service), "a" * 64, "b" * 64)
    return Asked(intent(project, WHERE, service, version), policies(project, WHERE))


def effect(project: Project, service: str, root: Path) -> str:
    """How a deploy of `project` carries out what is other there than in the reference; empty: not at all."""
    before = reference()
    if configuration(project, WHERE, service, root) != configuration(before, WHERE, service, root):
        return "a new version"
    now, then = asked(project, service), asked(before, service)
    if (now.intent.instances, now.intent.listener) != (then.intent.instances, then.intent.listener):
        return "adjusts"
    if now.intent.platform != then.intent.platform:
        return "refused while it runs"
    return "; ".join(later(now, then))


def project_with(at: Place) -> Project:
    found = changed(reference(), at)
    assert isinstance(found, Project)
    return found


def with_service(service: str, at: Place) -> Project:
    return project_with(("environments", f"*{WHERE}", "services", f"*{service}", *at))


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    for name in ("deploy/app.toml", "x"):
        (tmp_path / name).write_text("a = 1\n", "utf-8")
    return tmp_path


def said(at: Place) -> bool:
    """Whether `plan` says of it that it is read at each deploy."""
    return any(path in AT_EACH_DEPLOY for path in prefixes(at))


def untouched(model: type[BaseModel], effective: Iterator[Place]) -> list[str]:
    """The keys below a model that nothing carries out and nothing is said of, given those that something is."""
    every = dict(keys(model))
    done = {path for at in effective for path in prefixes(at)}
    kinds = {every[path] for path in done if path in every}
    return [path for path, kind in every.items() if path not in done and kind not in kinds]


def test_every_key_of_a_service_takes_effect_or_plan_says_why_not(root: Path) -> None:
    def effective() -> Iterator[Place]:
        for service in SERVICES:
            for at in places(reference().environments[WHERE].services[service]):
                if said(at) or effect(with_service(service, at), service, root):
                    yield at

    assert untouched(Service, effective()) == []


def test_every_key_of_an_environment_takes_effect_or_plan_says_why_not(root: Path) -> None:
    def effective() -> Iterator[Place]:
        for at in places(reference().environments[WHERE]):
            project = project_with(("environments", f"*{WHERE}", *at))
            if at[0] == "services" or effect(project, "web", root):
                yield at

    assert untouched(Environment, effective()) == []


def test_every_key_of_the_file_has_its_place() -> None:
    assert set(Project.model_fields) == {*NEVER_ALONE, "environments"}


def test_every_field_of_an_intent_and_of_the_policies_has_its_place() -> None:
    """A field that is in neither is carried out by nobody, and `plan` would not say so."""
    assert set(Intent.__struct_fields__) == AT_ONCE | ONLY_SAID | set(OF_A_SERVICE)
    assert set(Policies.__struct_fields__) == set(OF_AN_ENVIRONMENT)


def test_the_size_alone_is_an_adjustment_and_the_listener_alone_a_new_version(root: Path) -> None:
    assert effect(with_service("web", ("instances",)), "web", root) == "adjusts"
    assert effect(with_service("web", ("listen", "port")), "web", root) == "a new version"


def test_what_comes_later_is_said_with_its_key_and_its_reason(root: Path) -> None:
    said = effect(with_service("web", ("rollout", "warm")), "web", root)
    assert (
        said
        == "`rollout, stop.drain` is another, and changes nothing that runs: the next version gets its traffic by it"
    )
    now = asked(reference(), "web")
    assert later(now, now) == ()
    assert "`needs`" in later(now, now, ["needs"])[0]
