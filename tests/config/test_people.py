"""The file that says who comes in: what it means, and everything that is wrong with it at once, each in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.config.people import load_people, people_in
from headgate.config.problems import ConfigError
from headgate.core.home.identity import People, Welcome


def wrong(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        people_in(text, "people.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_what_it_says(tmp_path: Path) -> None:
    text = "ask: ada\nroles:\n  release: approver\n  dev: {role: operator, environments: [staging, dev]}\n"
    (tmp_path / "people.yaml").write_text(text)
    welcomes = (Welcome("release", "approver"), Welcome("dev", "operator", ("staging", "dev")))
    assert load_people(tmp_path / "people.yaml") == People(welcomes, "groups", "ada")


def test_json_is_yaml() -> None:
    text = '{"claim": "email", "roles": {"Ada@Example.com": {"role": "admin"}}}'
    assert people_in(text, "x") == People((Welcome("ada@example.com", "admin"),), "email")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = (
        "claim: nickname\nroles:\n  a: aprover\n  b: {role: viewer, environments: [Not One]}\n  c:\nclam: x\n"
    )
    claim, role, environment, nothing, key = wrong(text)
    assert claim.startswith("people.yaml:1:8: `nickname` is what people may call themselves")
    assert role.startswith("people.yaml:3:6: `aprover` is no role; expected one of `viewer`, ")
    assert role.endswith("did you mean `approver`?")
    assert environment.startswith("people.yaml:4:36: `Not One` is not possible here")
    assert nothing.startswith("people.yaml:5:3: nothing is written here; expected one of `viewer`")
    assert key.startswith(
        "people.yaml:6:1: the key `clam` is unknown; expected one of `claim`, `ask` and `roles`"
    )
    assert key.endswith("did you mean `claim`?")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "people.yaml:1:1: the file says nothing; expected a mapping with `roles`"),
        ("# nobody\n", "people.yaml:1:1: the file says nothing"),
        ("- release\n", "people.yaml:1:1: the file is not a mapping"),
        ("claim: groups\n", "people.yaml:1:1: the key `roles` is missing"),
        ("roles: {}\n", "people.yaml:1:1: nothing is in it"),
        ("roles: {a: viewer\n", "people.yaml:1:8: a `{` is not closed"),
        ("roles: {a: viewer}\nroles: {b: admin}\n", "people.yaml:2:1: the key `roles` is given twice"),
        ("roles: {a: viewer}\0", "people.yaml:1:19: the character U+0000"),
        ("claim: [groups]\nroles: {a: viewer}", "people.yaml:1:1: a list is not text"),
        ("claim: ''\nroles: {a: viewer}", "people.yaml:1:8: `` is not possible here"),
        ("roles: {a: [admin]}", "people.yaml:1:9: a list is not possible here"),
        ("roles: {a: {environments: [dev]}}", "people.yaml:1:9: the key `role` is missing"),
    ],
)
def test_a_file_that_says_nothing_sensible(text: str, says: str) -> None:
    assert says in wrong(text)[0]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file; expected a file that says who comes in"):
        load_people(tmp_path / "people.yaml")
