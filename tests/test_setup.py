"""Set-up installs nothing on the system that it has not said before, with the way to say no."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "requirements"
SHELL = "/bin/sh"
TOOLS = ("sed", "grep", "printf", "dirname", "readlink", "wc", "mkdir", "rm", "cat", "head")


def bare(tmp_path: Path, user: str = "0", *, apt: bool = True) -> dict[str, str]:
    """A system without a browser, where we are `user`; its apt-get does nothing, and notes that it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        real = next((Path(at, name) for at in ("/usr/bin", "/bin") if Path(at, name).exists()), None)
        if real is not None:
            (folder / name).symlink_to(real)
    stubs = {"id": f"echo {user}"} | ({"apt-get": f"echo asked >> {tmp_path}/asked"} if apt else {})
    for name, does in stubs.items():
        (folder / name).write_text(f"#!{SHELL}\n{does}\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


def plan(env: dict[str, str]) -> str:
    run = subprocess.run(
        [SHELL, str(ROOT / "chromium.sh"), "plan"], env=env, capture_output=True, text=True, check=True
    )
    return run.stdout


def test_what_would_be_installed_is_said_and_not_done(tmp_path: Path) -> None:
    env = bare(tmp_path)
    assert "Chromium, a browser" in plan(env)
    assert plan(env | {"HEADGATE_CHROMIUM": "no"}) == ""
    assert plan(env | {"HEADGATE_CHROMIUM": "/opt/chromium"}) == ""
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(("user", "apt"), [("1000", True), ("0", False)])
def test_nothing_is_planned_where_nothing_could_be_installed(user: str, *, apt: bool, tmp_path: Path) -> None:
    assert plan(bare(tmp_path, user, apt=apt)) == ""


def consent(**env: str) -> subprocess.CompletedProcess[str]:
    command = [SHELL, str(ROOT / "consent.sh"), "a browser", "HEADGATE_CHROMIUM=no"]
    given = {"PATH": os.environ["PATH"]} | env
    return subprocess.run(
        command, env=given, capture_output=True, text=True, check=False, start_new_session=True
    )


@pytest.mark.parametrize(
    ("env", "code"),
    [({}, 0), ({"CI": "true"}, 0), ({"HEADGATE_APT": "yes"}, 0), ({"HEADGATE_APT": "no"}, 1)],
)
def test_without_a_terminal_it_is_said_and_nobody_is_waited_for(env: dict[str, str], code: int) -> None:
    done = consent(**env)
    assert done.returncode == code
    assert "this installs on your system, with apt-get: a browser" in done.stderr
    assert "HEADGATE_APT=no: install nothing there; or: HEADGATE_CHROMIUM=no" in done.stderr


@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("", 0), ("n", 1), ("No", 1)])
def test_at_a_terminal_it_asks(typed: str, code: int) -> None:
    command = [SHELL, str(ROOT / "consent.sh"), "a browser", "HEADGATE_CHROMIUM=no"]
    child, terminal = pty.fork()
    if child == 0:
        os.execve(SHELL, command, {"PATH": os.environ["PATH"]})  # noqa: S606 - no shell is wanted between
    said = b""
    while b"[Y/n] " not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, f"{typed}\n".encode())
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == code
