"""Declaring secrets by command: kept in the home for its owner only, and never the secret itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli import exits
from headgate.config.secrets import load_secrets
from headgate.homes import secrets_of
from tests.cli.conftest import Run

GIVEN = ("--project", "shop", "--used-by", "prom", "--to", "prom.example.com")


@pytest.fixture
def key(project: Path) -> Path:
    (project / "key").write_text("hunter2\n")
    return project / "key"


def test_declared_listed_and_removed(run: Run, home: Path, key: Path) -> None:
    assert "No secret is declared" in run("secret", "list").output
    assert "{kind: secret, name: prom}" in run("secret", "add", "prom", "--file", "key", *GIVEN).output
    run("secret", "add", "ops", "--env", "OPS_URL", "--project", "shop", "--used-by", "ops")
    path = secrets_of(home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_secrets(path)["prom"].source.name == str(key)
    listed = run("secret", "list").output
    assert f"prom  {key}; for prom of shop; to prom.example.com" in listed
    assert "ops  $OPS_URL; for ops of shop; to nowhere" in listed
    assert {one["secret"] for one in json.loads(run("secret", "list", "--json").output)} == {"prom", "ops"}
    run("secret", "remove", "prom")
    assert set(load_secrets(path)) == {"ops"}
    assert "hunter2" not in path.read_text() + listed


def test_what_is_wrong_changes_nothing(run: Run, home: Path, key: Path) -> None:
    run("secret", "add", "prom", "--file", "key", *GIVEN)
    before = secrets_of(home).read_text()
    for said in (
        ("secret", "add", "x", *GIVEN),
        ("secret", "add", "x", "--file", str(key), "--env", "X", *GIVEN),
        ("secret", "add", "A B", "--file", str(key), *GIVEN),
        ("secret", "add", "x", "--file", str(key), *GIVEN, "--to", "https://x/"),
        ("secret", "remove", "nobody"),
    ):
        assert run(*said).exit_code != exits.DONE
        assert secrets_of(home).read_text() == before
    secrets_of(home).chmod(0o666)
    assert "others than the owner" in run("secret", "list").output
