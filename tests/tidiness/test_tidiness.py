"""The house is tidy, and the rules that say so can say no."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.tidiness import rules
from tests.tidiness.rules import RULES, File, Rule

ROOT = Path(__file__).parents[2]
NOT_OURS = {".git", ".venv", ".tools", ".headgate", "node_modules", "build", "dist", "out", "__pycache__"}


@cache
def files_of_the_project() -> tuple[File, ...]:
    texts = ((path, read(ROOT / path)) for path in paths_of_the_project())
    return tuple(File(path, text) for path, text in texts if text is not None)


def paths_of_the_project() -> list[str]:
    """What git tracks or would track; outside of a repository, whatever is not plainly a by-product."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return sorted(set(filter(None, asked.stdout.split("\0"))))
    found: list[str] = []
    for folder, inside, names in os.walk(ROOT):
        inside[:] = [
            name for name in inside if name not in NOT_OURS and not name.endswith(("_cache", ".egg-info"))
        ]
        found += [(Path(folder) / name).relative_to(ROOT).as_posix() for name in names]
    return sorted(found)


def read(path: Path) -> str | None:
    """A text file's text; None for what is not text, is a link, or has been deleted and not yet committed."""
    try:
        return None if path.is_symlink() else path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_house(rule: Rule) -> None:
    problems = [f"{file.path}:{line}: {what}" for file in files_of_the_project() for line, what in rule(file)]
    assert not problems, "\n" + "\n".join(problems)


def test_no_type_of_the_core_is_named_like_another() -> None:
    problems = list(rules.types_named_twice(files_of_the_project()))
    assert not problems, "\n" + "\n".join(problems)


def test_types_of_one_name_are_found_in_the_core_alone() -> None:
    text = "class Kind: ..."
    here, there = File("src/headgate/core/a.py", text), File("src/headgate/core/judge/b.py", text)
    assert list(rules.types_named_twice([here, there])) == [
        "src/headgate/core/judge/b.py:1: src/headgate/core/a.py has a class Kind, too"
    ]
    assert not list(rules.types_named_twice([here, File("src/headgate/web/b.py", text)]))


def test_the_files_were_found() -> None:
    paths = {file.path for file in files_of_the_project()}
    assert {"pyproject.toml", "requirements/dev.lock", "src/headgate/__init__.py"} <= paths


LONG = "x = 1\n" * 351
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 80
MARK = "FIX" + "ME"
HOST = "files.python" + "hosted.org"

BAD = [
    (rules.folders_of_a_home_are_private, "src/headgate/controller/a.py", "path.mkdir(parents=True)"),
    (rules.files_are_short, "src/headgate/core/a.py", LONG),
    (rules.functions_are_short, "src/headgate/core/a.py", LONG_FUNCTION),
    (rules.names_say_something, "src/headgate/core/utils.py", ""),
    (rules.names_say_something, "src/headgate/common/a.py", ""),
    (rules.names_are_the_fields_words, "src/headgate/cli/run/helm.py", ""),
    (rules.names_are_the_fields_words, "tests/web/test_wishes.py", ""),
    (rules.names_are_the_fields_words, "src/headgate/web/desk/a.py", ""),
    (rules.modules_say_what_they_are_for, "src/headgate/core/a.py", "x = 1"),
    (rules.modules_say_what_they_are_for, "src/headgate/core/__init__.py", ""),
    (rules.nothing_is_left_for_later, "docs/a.md", f"({MARK}: later)"),
    (rules.checks_are_not_lowered, "src/headgate/a.py", "x = y  # pyright: " + "ignore"),
    (rules.checks_are_not_lowered, "src/headgate/a.py", "# ruff: " + "noqa"),
    (rules.nothing_is_a_stub, "src/headgate/a.py", "def f(): pass"),
    (rules.nothing_is_a_stub, "src/headgate/a.py", "class A:\n  def f(self):\n    'Words.'\n    ..."),
    (rules.nothing_is_a_stub, "src/headgate/a.py", "def f():\n  x = 1\n  raise NotImplementedError('f')"),
    (rules.only_the_terminal_prints, "src/headgate/core/a.py", "print('hello')"),
    (rules.foreign_text_is_made_visible, "src/headgate/cli/verbs/a.py", "click.echo(reason)"),
    (rules.no_error_is_swallowed, "tests/test_a.py", "try: f()\nexcept: g()"),
    (rules.no_error_is_swallowed, "tests/test_a.py", "try: f()\nexcept Exception: pass"),
    (rules.no_error_is_swallowed, "src/headgate/a.py", "try: f()\nexcept (OSError, Exception) as e: ..."),
    (rules.no_error_is_swallowed, "src/headgate/a.py", "with contextlib.suppress(Exception): f()"),
    (rules.no_path_of_one_machine, "README.md", "cd /" + "root/project"),
    (rules.no_path_of_one_machine, "Makefile", "DIR='/" + "home/me'"),
    (rules.no_name_of_a_registry, "README.md", f"from {HOST}"),
    (rules.locks_hold_no_addresses, "requirements/dev.lock", "https:/" + f"/{HOST}/a"),
    (rules.locks_hold_no_addresses, "web/package-lock.json", '"resolved": "https:/' + '/a/b.tgz"'),
    (rules.core_is_pure, "src/headgate/core/a.py", "import time"),
    (rules.core_is_pure, "src/headgate/core/judge/a.py", "def f():\n  from random import Random"),
    (rules.core_is_pure, "src/headgate/core/a.py", "from ..ports import target"),
    (rules.core_is_pure, "src/headgate/core/a.py", "from headgate import ledger"),
    (rules.libraries_stay_at_home, "src/headgate/web/a.py", "import rich.table"),
    (rules.libraries_stay_at_home, "src/headgate/ledger/store.py", "import sqlite3"),
    (rules.libraries_stay_at_home, "src/headgate/ledger/store.py", "import left_pad"),
    (rules.guests_are_expected, "src/headgate/controller/a.py", "from headgate.plugins.targets import x"),
    (rules.guests_are_expected, "src/headgate/lab/simulation/a.py", "from headgate import plugins"),
    (rules.guests_are_expected, "src/headgate/web/a.py", "from headgate.lab.load import run"),
    (rules.unix_sockets_may_lie_deep, "src/headgate/cli/ask/client.py", "socket.AF_UNIX"),
    (rules.what_must_last_lies_in_the_home, "src/headgate/homes.py", 'Path("/tmp")'),
    (rules.what_decoding_raises_is_caught, "src/headgate/web/a.py", "except msgspec.DecodeError as error:"),
    (
        rules.what_starts_a_program_stands_last,
        "src/headgate/a.py",
        "if __name__ == '__main__': main()\ndef main(): g()",
    ),
]

GOOD = [
    (
        rules.what_starts_a_program_stands_last,
        "src/headgate/a.py",
        "def main(): g()\nif __name__ == '__main__': main()",
    ),
    (rules.folders_of_a_home_are_private, "src/headgate/controller/a.py", "private_folder(path)"),
    (rules.files_are_short, "src/headgate/core/a.py", "x = 1\n" * 350),
    (rules.functions_are_short, "src/headgate/core/a.py", "def f():\n" + "    x = 1\n" * 79),
    (rules.names_say_something, "src/headgate/core/baseline.py", ""),
    (rules.names_are_the_fields_words, "src/headgate/cli/run/steering.py", ""),
    (rules.modules_say_what_they_are_for, "src/headgate/core/_a.py", "x = 1"),
    (rules.nothing_is_left_for_later, "a.sh", "mktemp " + "X" * 6),
    (rules.checks_are_not_lowered, "src/headgate/a.py", "x = y  # pyright: ignore[reportUnknownMemberType]"),
    (rules.nothing_is_a_stub, "src/headgate/a.py", "class A(Protocol):\n  def f(self): ..."),
    (rules.nothing_is_a_stub, "src/headgate/a.py", "class A:\n  @abc.abstractmethod\n  def f(self): ..."),
    (rules.nothing_is_a_stub, "src/headgate/a.py", "def f():\n  'Nothing is kept, so nothing is closed.'"),
    (rules.only_the_terminal_prints, "src/headgate/cli/a.py", "print('hello')"),
    (rules.foreign_text_is_made_visible, "src/headgate/cli/screen.py", "click.echo(visible(text))"),
    (rules.only_the_terminal_prints, "src/headgate/lab/load.py", "print('hello')"),
    (rules.no_error_is_swallowed, "src/headgate/a.py", "try: f()\nexcept OSError: pass"),
    (rules.no_error_is_swallowed, "src/headgate/a.py", "try: f()\nexcept Exception as e: log(e)"),
    (rules.no_path_of_one_machine, "README.md", "GET /api/" + "work/1, ~/" + "work/x"),
    (rules.no_name_of_a_registry, "README.md", "an index"),
    (rules.locks_hold_no_addresses, "requirements/dev.lock", "httpx2==2.16.2 --hash=sha256:00"),
    (
        rules.core_is_pure,
        "src/headgate/core/a.py",
        "import math\nfrom .judge import x\nfrom collections.abc import Set",
    ),
    (
        rules.libraries_stay_at_home,
        "src/headgate/cli/render.py",
        "from rich import table\nimport os, msgspec",
    ),
    (rules.libraries_stay_at_home, "src/headgate/ledger/sqlite_store.py", "import sqlite3"),
    (rules.guests_are_expected, "src/headgate/wiring/world.py", "from headgate.plugins.targets import x"),
    (rules.unix_sockets_may_lie_deep, "src/headgate/unix_sockets.py", "socket.AF_UNIX"),
    (rules.what_must_last_lies_in_the_home, "src/headgate/homes.py", 'home / "run"'),
    (rules.what_decoding_raises_is_caught, "src/headgate/web/a.py", "except UNREADABLE as error:"),
    (
        rules.guests_are_expected,
        "src/headgate/plugins/targets/a.py",
        "from headgate.plugins.targets.a import x",
    ),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_rule_says_no(rule: Rule, path: str, text: str) -> None:
    assert list(rule(File(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_rule_says_yes(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(File(path, text)))


def test_every_rule_can_say_no_and_yes() -> None:
    assert {rule for rule, _, _ in BAD} == {rule for rule, _, _ in GOOD} == set(RULES)
