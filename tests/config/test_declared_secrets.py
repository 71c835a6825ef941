"""The file that declares secrets: what it means, all that is wrong with it, and who may write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.config import ConfigError, load_text
from headgate.config.secrets import load_secrets, secrets_in
from headgate.core.home.secrets import Declaration
from headgate.core.model import SecretSource
from tests.config.example import project_text

TEXT = """\
secrets:
  prom: {file: /etc/headgate/prom, projects: [shop], used_by: [prometheus], to: [prom.example.com, "::1"]}
  ops-url: {env: OPS_URL, projects: [shop, blog], used_by: [ops]}
"""


def wrong(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        secrets_in(text, "secrets.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    assert load_secrets(path) == {}
    path.write_text(TEXT)
    path.chmod(0o600)
    assert load_secrets(path) == {
        "prom": Declaration(
            SecretSource("file", "/etc/headgate/prom"),
            ("shop",),
            ("prometheus",),
            ("prom.example.com", "::1"),
        ),
        "ops-url": Declaration(SecretSource("env", "OPS_URL"), ("shop", "blog"), ("ops",)),
    }


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_nobody_else_may_write_it(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(TEXT)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="others than the owner"):
        load_secrets(path)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("a: {projects: [shop], used_by: [x]}", "the secret has no source"),
        ("a: {file: /x, env: X, projects: [shop], used_by: [x]}", "the secret has two sources"),
        ("a: {file: x, projects: [shop], used_by: [x]}", "`x` is no full path"),
        ("a: {file: /x, used_by: [x]}", "the key `projects` is missing"),
        ("a: {file: /x, projects: [], used_by: [x]}", "nothing is in it"),
        ("a: {file: /x, projects: [shop], used_by: [x], to: ['https://x/']}", "without scheme"),
        ("A B: {file: /x, projects: [shop], used_by: [x]}", "a name like `prometheus-token`"),
        ("a: {file: /x, projects: [shop], used_by: [x], too: [y]}", "did you mean `to`?"),
        ("a: hunter2", "not possible here"),
    ],
)
def test_what_is_wrong_is_told_in_its_place(said: str, why: str) -> None:
    (problem,) = wrong(f"secrets:\n  {said}\n")
    assert problem.startswith("secrets.yaml:2")
    assert why in problem
    assert "hunter2" not in problem


def test_a_project_file_may_name_a_declared_secret() -> None:
    source = "signals: {prom: {source: prometheus, url: 'https://p', template: envoy, token: {secret: prom}}}"
    project = load_text(project_text(source), "headgate.yaml")
    declared = project.environments["production"].services["web"].signals["prom"]
    assert declared.settings["token"] == {"kind": "secret", "name": "prom"}
