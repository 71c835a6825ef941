from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.plugins.artifacts.build import provenance, run_build
from headgate.ports import Permanent


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_its_output_is_heard_line_by_line(tmp_path: Path) -> None:
    lines: list[str] = []
    code = (
        "import sys, os; print('one'); sys.stdout.flush(); os.write(2, b'two\\r\\n\\xff'); open('made', 'w')"
    )
    run_build(python(code), tmp_path, on_line=lines.append)
    assert lines == ["one", "two", "\N{REPLACEMENT CHARACTER}"]
    assert (tmp_path / "made").exists()


def test_a_failure_shows_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(Permanent) as caught:
        run_build(python("print(*range(100), sep='\\n'); raise SystemExit(3)"), tmp_path)
    assert "failed (exit status 3); its last lines:\n  80\n  81\n" in str(caught.value)
    assert str(caught.value).endswith("\n  99")
    with pytest.raises(Permanent, match="signal SIGKILL"):
        run_build(python("import os; os.kill(os.getpid(), 9)"), tmp_path)


def test_a_command_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"`no-such-command x` cannot be started in .*No such file"):
        run_build(("no-such-command", "x"), tmp_path)
    with pytest.raises(Permanent, match="cannot be started"):
        run_build(("true",), tmp_path / "absent")


def test_it_is_stopped_when_it_takes_too_long(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"longer than 0\.2 s and was stopped; its last lines:\n  begun"):
        run_build(python("import time; print('begun', flush=True); time.sleep(600)"), tmp_path, timeout_s=0.2)
    silent = "import os, time; os.close(1); os.close(2); time.sleep(600)"
    with pytest.raises(Permanent, match=r"longer than 0\.2 s"):
        run_build(python(silent), tmp_path, timeout_s=0.2)


def test_what_it_leaves_behind_is_ended_and_not_waited_for(tmp_path: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
    lines: list[str] = []
    run_build(python(code), tmp_path, on_line=lines.append)
    assert has_ended(int(lines[0]), within_s=10.0)


def has_ended(pid: int, within_s: float) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], within_s)[0])
    finally:
        os.close(process)


def test_a_long_line_is_cut_not_hoarded(tmp_path: Path) -> None:
    lines: list[str] = []
    run_build(python("import sys; sys.stdout.write('x' * 1_000_000)"), tmp_path, on_line=lines.append)
    assert sum(map(len, lines)) == 1_000_000
    assert max(map(len, lines)) < 200_000


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    command = ("git", "-C", str(root), *identity, *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_provenance_comes_from_git(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git(tmp_path, "init", "-q")
    assert provenance(project, built_at=1.0).commit == ""
    (project / "main.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    (tmp_path / "elsewhere").touch()
    clean = provenance(project, built_at=1.0, label="v1", command="make")
    assert (clean.commit, clean.dirty, clean.label, clean.command) == (commit, False, "v1", "make")
    assert "@" in clean.builder
    (project / "main.py").write_text("2")
    assert provenance(project, built_at=1.0).dirty


def test_without_git_it_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = provenance(tmp_path, built_at=1.0, builder="ci", source="somewhere")
    assert (found.commit, found.dirty, found.builder, found.source) == ("", False, "ci", "somewhere")
    monkeypatch.setenv("PATH", "")
    assert provenance(tmp_path, built_at=1.0).commit == ""
