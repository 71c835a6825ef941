"""The reference file is the documentation of every key: it must be valid and complete."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headgate import config
from headgate.config import (
    json_schema,
    load,
    people,  # the latter are the keys of files of their own
    secrets,
)
from headgate.config.compose import compose
from headgate.config.models import Section
from headgate.config.tree import plain

REFERENCE = Path(config.__file__).with_name("reference.yaml")
BROKEN = Path(__file__).parent / "broken"


def data_of(path: Path) -> Any:  # noqa: ANN401 - the data of a file
    root, faults = compose(path.read_text("utf-8"))
    assert root is not None
    assert not faults
    return plain(root)


def sections(value: object) -> Iterator[Section]:
    if isinstance(value, Section):
        yield value
        for name in type(value).model_fields:
            yield from sections(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from sections(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from sections(item)


def models(model: type[Section] = Section) -> Iterator[type[Section]]:
    for child in model.__subclasses__():
        yield child
        yield from models(child)


def test_the_reference_shows_every_key() -> None:
    shown = {(type(one), name) for one in sections(load(REFERENCE)) for name in one.model_fields_set}
    elsewhere = {people.__name__, secrets.__name__}
    known = {(m, name) for m in models() if m.__module__ not in elsewhere for name in m.model_fields}
    assert {(model.__name__, name) for model, name in known - shown} == set()


def test_every_key_is_described_for_editors() -> None:
    assert all(field.description for model in models() for field in model.model_fields.values())


def test_the_reference_obeys_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(data_of(REFERENCE), json_schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "name",
    [
        "a-list", "a-word", "no-services", "services-empty", "services-blank", "services-a-list", "service-blank",
        "no-version", "future-version", "version-as-text", "bad-project-name", "unknown-top-key", "missing-keys",
        "unknown-service-key", "foreign-keys", "instances-not-a-number", "instances-as-text", "instances-zero",
        "instances-fraction", "artifact-outside", "run-blank", "run-a-mapping", "listen-out-of-range", "listen-as-text",
        "env-values", "secret-written", "secret-in-a-mapping", "files-paths", "memory-units", "durations",
        "metrics-path", "probe-words", "probe-answer", "yes-and-no", "smoke-methods", "smoke-not-saved",
        "strategy-unknown", "weights-odd", "quantiles", "criteria-values", "criteria-factors", "business",
        "environment-values", "environment-override-wrong", "services-of-environment-a-list", "everything-at-once",
    ],
)  # fmt: skip
def test_the_schema_refuses_what_has_the_wrong_shape(name: str) -> None:
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(data_of(BROKEN / f"{name}.yaml"))


def test_an_environment_may_change_less_than_a_whole_service() -> None:
    root, _ = compose(
        "headgate: 1\nproject: a\nservices: {web: {artifact: a, run: b, listen: 1}}\n"
        "environments: {staging: , live: {services: {web: {probes: {readiness: {every: 5s}}, stop: null}}}}\n"
    )
    assert root is not None
    jsonschema.validate(plain(root), json_schema(), jsonschema.Draft202012Validator)
