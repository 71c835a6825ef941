"""Wrong usage, wrong files, wrong names: one sentence each, what to do next, and never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from headgate.cli import command, exits
from headgate.cli.errors import explained, listed, unforeseen
from headgate.cli.options import VerbCommand
from headgate.cli.session import Session
from headgate.cli.vocabulary import VERBS
from tests.cli.conftest import Run

NAMES = [verb.name for verb in VERBS]
HEAVY = ("pydantic", "yaml", "starlette", "uvicorn", "httpx2", "rich", "asyncio", "sqlite3", "msgspec")


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_has_its_help(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == exits.DONE
    assert f"Usage: headgate {name}" in result.stdout
    assert "Examples:" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 110


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.section], ids=lambda verb: verb.name)
def test_every_verb_takes_json_and_says_in_the_table_what_it_is(run: Run, verb: object) -> None:
    name = getattr(verb, "name", "")
    found = command.get_command(click.Context(command), name)
    assert found is not None
    assert found.short_help == getattr(verb, "summary", "")
    parts = found.commands.values() if isinstance(found, click.Group) else [found]
    for part in parts:
        assert isinstance(part, VerbCommand)
        assert any("--json" in parameter.opts for parameter in part.params)


def test_help_has_all_verbs_in_sections(run: Run) -> None:
    text = run("--help").stdout
    assert all(
        verb.summary.split(" ")[0] in text and f"  {verb.name} " in text for verb in VERBS if verb.section
    )
    assert "controller  " not in text
    assert run("-h").stdout == text
    assert run("--version").stdout.startswith("headgate ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("deplyo",), "did you mean `deploy`?"),
        (("rol-back",), "did you mean `rollback`?"),
        (("deploy", "--nope"), "`headgate deploy --help` shows how"),
        (("deploy", "-e", "prodction"), "did you mean `production`?"),
        (("deploy",), "which environment? there are `production` and `staging`"),
        (("deploy", "-e", "staging", "wbe"), "did you mean `web`?"),
        (("deploy", "-e", "staging", "--artifact", "nothing"), "there is no artifact 'nothing'"),
        (("deploy", "-e", "staging", "--timeout", "soon"), "'soon'"),
        (("plan", "-e", "staging", "--artifact", "abc"), "there is no artifact 'abc'"),
        (("build", "wep"), "did you mean `web`?"),
        (("promote", "r1"), "an override is recorded with its reason"),
        (("retry",), "Missing argument 'RELEASE'"),
        (("completion", "tcsh"), "'tcsh' is not one of"),
        (("-f", "nowhere.yaml", "validate"), "there is no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage(run: Run, project: Path, words: tuple[str, ...], says: str) -> None:
    result = run(*words)
    assert result.exit_code == exits.USAGE, result.output
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_errors_are_json_where_json_is_asked_for(run: Run, project: Path) -> None:
    document = json.loads(run("deploy", "-e", "prodction", "--json").stdout)
    assert document["exit"] == exits.USAGE
    assert document["hint"] == "did you mean `production`?"


def test_a_broken_project_file_is_shown_with_all_its_errors(run: Run, project: Path) -> None:
    (project / "headgate.yaml").write_text(
        "headgate: 1\nproject: shop\nservices: {web: {artifact: dist, rnu: x}}\n"
    )
    for words in (("validate",), ("deploy", "-e", "production"), ("plan", "-e", "production")):
        result = run(*words)
        assert result.exit_code == exits.USAGE
        assert "headgate.yaml:3:" in result.stderr
        assert "did you mean `run`?" in result.stderr
    document = json.loads(run("validate", "--json").stdout)
    assert document["ok"] is False
    assert len(document["problems"]) > 1


def test_validate_reads_the_files_that_are_named(run: Run, project: Path) -> None:
    text = (project / "headgate.yaml").read_text()
    assert "ok: project shop" in run("validate").stdout
    assert "production (production): web" in run("validate").stdout
    (project / "headgate.yaml").write_text(
        text.replace("    listen:", "    files: {a.toml: b.toml}\n    listen:")
    )
    result = run("validate")
    assert (result.exit_code, "there is no file `b.toml`" in result.stderr) == (exits.USAGE, True)


def test_init_writes_a_file_that_loads(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    monkeypatch.chdir(folder)
    first = run("status")
    assert first.exit_code == exits.DONE
    assert "`headgate init` writes one" in run("validate").stderr
    assert run("init").exit_code == exits.DONE
    assert run("validate").exit_code == exits.DONE
    again = run("init")
    assert (again.exit_code, "is there already" in again.stderr) == (exits.USAGE, True)
    assert json.loads(run("init", "--force", "--json").stdout)["project"] == "fresh"


def test_the_project_file_is_looked_for_upwards(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = project / "dist" / "deep"
    below.mkdir()
    monkeypatch.chdir(below)
    assert Session().project_file == project / "headgate.yaml"
    assert Session().home == project / ".headgate"
    assert Session(home=Path("elsewhere")).home == below / "elsewhere"
    monkeypatch.setenv("HEADGATE_HOME", str(project / "h"))
    assert Session().home == project / "h"


def test_an_unforeseen_error_is_ours_and_says_so(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(session: Session) -> None:
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr(Session, "home", property(broken))
    result = run("status")
    assert result.exit_code == exits.INTERNAL
    assert "internal error: RuntimeError: a wheel came off" in result.stderr
    assert "HEADGATE_DEBUG=1" in result.stderr
    assert "Traceback" not in result.stderr
    monkeypatch.setenv("HEADGATE_DEBUG", "1")
    assert "Traceback" in run("status").stderr


def test_errors_in_words() -> None:
    assert listed([]) == ""
    assert listed("abc") == "`a`, `b` and `c`"
    assert listed("abcdefghij", 2).endswith(" and 8 more")
    assert explained(RuntimeError("x")) is None
    gone = explained(FileNotFoundError(2, "No such file", "a.txt"))
    assert gone is not None
    assert gone.format_message() == "a.txt: No such file"
    assert unforeseen(KeyError()).format_message() == "internal error: KeyError"


def headgate(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, env=environment, timeout=60
    )


def imported(*words: str) -> set[str]:
    timed = headgate("-X", "importtime", "-m", "headgate", *words)
    assert timed.returncode == exits.DONE, timed.stderr[-500:]
    return {line.rpartition("|")[2].strip() for line in timed.stderr.splitlines()}


def test_help_loads_next_to_nothing(project: Path) -> None:
    assert not imported("--help") & set(HEAVY)
    assert not imported("version") & {"pydantic", "starlette", "uvicorn", "httpx2", "rich"}


def test_status_loads_no_web_server_and_no_configuration(project: Path) -> None:
    heavy = {"pydantic", "yaml", "starlette", "uvicorn", "httpx2", "rich", "http.client", "headgate.wiring"}
    assert not imported("status") & (heavy | {"asyncio", "headgate.ledger.sqlite_writer"})


def test_judging_what_is_piped_in_loads_no_web_server(tmp_path: Path) -> None:
    intervals = tmp_path / "intervals.ndjson"
    intervals.write_text('{"at": 15, "stable": {"requests": 950}, "canary": {"requests": 50}}\n')
    assert not imported("judge", str(intervals)) & {"asyncio", "starlette", "uvicorn", "http.server"}


def test_a_reader_who_goes_is_no_error(project: Path) -> None:
    shell = f"{sys.executable} -m headgate schema | head -c 10"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (exits.DONE, "")


def test_a_terminal_without_the_characters_breaks_nothing(project: Path) -> None:
    done = headgate("-m", "headgate", "explain", "--help", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (exits.DONE, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    assert "_HEADGATE_COMPLETE" in run("completion", shell).stdout
    completed = headgate(
        "-m", "headgate", _HEADGATE_COMPLETE="bash_complete", COMP_WORDS="headgate de", COMP_CWORD="1"
    )
    assert "plain,deploy" in completed.stdout


def test_headgate_alone_shows_its_help() -> None:
    bare = CliRunner().invoke(command, [])
    assert (bare.exit_code, bare.stderr.startswith("Usage: headgate")) == (exits.USAGE, True)
