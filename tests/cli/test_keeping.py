"""Tokens, freezes, hooks and the dashboard by command: by the controller where one runs, and else in the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx2
import pytest

from headgate.cli import exits
from headgate.cli.ask import client
from headgate.cli.home import open_ledger
from headgate.cli.run.steering import Foreground
from headgate.homes import socket_of
from headgate.web.entrance import Entrance, address_of, read_entrance, write_entrance
from headgate.wiring import beside, daemon
from tests.cli.conftest import Run, no_door
from tests.web import payloads

Steered = Literal["a controller", "no controller"]


@pytest.fixture(autouse=True)
def _in_town(with_door: None) -> None:
    """Every test here acts on a town."""


@pytest.fixture(params=["a controller", "no controller"])
def steered(request: pytest.FixtureRequest, home: Path) -> Iterator[Steered]:
    """A home with a controller that runs beside the command, and one without."""
    if request.param == "no controller":
        yield "no controller"
        return
    home.mkdir()
    write_entrance(home, Entrance(port=0))
    found = Foreground(home)
    found.start()
    yield "a controller"
    found.close()


def noted(home: Path) -> list[object]:
    ledger = open_ledger(home)
    try:
        return [note.event for note in ledger.notes()]
    finally:
        ledger.close()


def test_tokens_are_given_out_listed_and_revoked(run: Run, home: Path, steered: Steered) -> None:
    issued = run("token", "issue", "ci", "--role", "operator", "-e", "staging", "--expires", "90d")
    assert issued.exit_code == exits.DONE, issued.output
    text = issued.stdout.strip()
    assert text.startswith("hg_")
    name = text.split("_")[1]
    assert f"token revoke {name}" in issued.stderr
    assert f"{name}  ci  operator, staging; good until 20" in run("token", "list").stdout
    assert text.split("_", 2)[2] not in str(noted(home)) + run("token", "list", "--json").stdout
    assert "ci) opens nothing any more" in run("token", "revoke", name).stdout
    assert [one["good"] for one in json.loads(run("token", "list", "--json").stdout)] == [False]
    assert "revoked 20" in run("token", "list").stdout
    run("token", "issue", "grace-ci", "--person", "grace")
    assert "grace-ci (of grace)  viewer" in run("token", "list").stdout
    unknown = run("token", "revoke", "x/../y")
    assert (unknown.exit_code, "unknown" in unknown.stderr or "not found" in unknown.stderr) == (
        exits.USAGE,
        True,
    )


def test_freezes_are_set_listed_and_lifted(run: Run, home: Path, steered: Steered) -> None:
    assert (
        run("freeze", "set", "--reason", "the sale", "-e", "production", "--for", "8h").exit_code
        == exits.DONE
    )
    later = ("--from", "2990-12-23T18:00", "--until", "2991-01-02")
    assert "until 2991" in run("freeze", "set", "--reason", "holidays", *later).stdout
    shown = run("freeze", "list").stdout.splitlines()
    assert ["to come" in shown[0], "holds" in shown[1], "the sale" in shown[1]] == [True] * 3
    assert run("freeze", "lift", "f1").stdout == "f1 is lifted.\n"
    assert [one["freeze"] for one in json.loads(run("freeze", "list", "--json").stdout)] == ["f2"]
    assert len(json.loads(run("freeze", "list", "--all", "--json").stdout)) == 2
    again = run("freeze", "lift", "f1")
    assert (again.exit_code, "over already" in again.stderr) == (exits.REFUSED, True)
    assert {getattr(event, "by", "") for event in noted(home)} != {"owner"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--for", "8h", "--until", "2991-01-02"), "a freeze has one end"),
        (("--until", "soon"), "is no time"),
        (("--until", "1999-01-01"), "over before it begins"),
    ],
)
def test_a_freeze_that_makes_no_sense(run: Run, project: Path, words: tuple[str, ...], says: str) -> None:
    result = run("freeze", "set", "--reason", "x", *words)
    assert (result.exit_code, says in result.stderr) == (exits.USAGE, True), result.stderr


def test_a_freeze_refuses_a_deploy(run: Run, project: Path) -> None:
    run("freeze", "set", "--reason", "the sale")
    refused = run("deploy", "-e", "staging")
    assert (refused.exit_code, "the sale" in refused.output) == (exits.REFUSED, True)


def test_hooks_are_added_listed_and_removed(run: Run, home: Path, steered: Steered) -> None:
    assert "There is no hook" in run("hook", "list").stdout
    words = (
        "hook",
        "add",
        "pushes",
        "--from",
        "github",
        "-e",
        "staging",
        "-e",
        "production",
        "--project",
        "shop",
    )
    added = run(*words)
    assert added.exit_code == exits.DONE, added.output
    assert added.stderr.rstrip().endswith("/v1/hooks/pushes")
    secret = added.stdout.strip()
    made = json.loads(
        run("hook", "add", "pager", "--from", "alertmanager", "-e", "production", "--json").stdout
    )
    assert made["url"].endswith("/v1/hooks/pager")
    shown = run("hook", "list").stdout.splitlines()
    assert shown == [
        "pager  alertmanager, production: pause from critical on; nothing came yet",
        "pushes  github, shop, staging, production: note; nothing came yet",
    ]
    assert run(*words).exit_code == exits.REFUSED
    assert (home / "hooks" / "pushes").read_text() == secret
    assert (home / "hooks" / "pushes").stat().st_mode & 0o777 == 0o600
    assert not (home / "hooks" / "pager").exists(), "a digest is enough for what is shown as it is"
    assert run("hook", "remove", "pushes").stdout == "pushes is removed.\n"
    assert not (home / "hooks" / "pushes").exists()
    assert [one["hook"] for one in json.loads(run("hook", "list", "--json").stdout)] == ["pager"]
    unknown = run("hook", "remove", "../pager")
    assert unknown.exit_code == exits.USAGE, unknown.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pager", "--from", "github"), "--env"),
        (("pager", "--from", "jira", "-e", "production"), "is not one of"),
        (("../pager", "--from", "github", "-e", "production"), "name"),
        (("pager", "--from", "github", "-e", "production", "--does", "abort"), "is noted"),
    ],
)
def test_a_hook_that_makes_no_sense(run: Run, project: Path, words: tuple[str, ...], says: str) -> None:
    result = run("hook", "add", *words)
    assert (result.exit_code, says in result.stderr) == (exits.USAGE, True), result.stderr


def test_no_secret_of_a_hook_is_written_anywhere_but_where_it_is_kept(
    run: Run, home: Path, steered: Steered
) -> None:
    secrets = {
        vendor: run("hook", "add", vendor, "--from", vendor, "-e", "production").stdout.strip()
        for vendor in ("github", "alertmanager")
    }
    if steered == "a controller":
        url = address_of(home)
        for vendor, send in (("github", payloads.github), ("alertmanager", payloads.alertmanager)):
            for secret, status in ((secrets[vendor], 422), (secrets[vendor][:-1], 403)):
                sent = send(secret, b"nothing")
                answer = httpx2.post(
                    f"{url}/v1/hooks/{vendor}", content=sent.body, headers=dict(sent.headers)
                )
                assert (answer.status_code, secret in answer.text) == (status, False)
    said = run("hook", "list", "--json").output + run("hook", "list").output + run("status").output
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    written = b"".join(content for path, content in files.items() if path != home / "hooks" / "github")
    assert files[home / "hooks" / "github"].decode() == secrets["github"]
    for secret in secrets.values():
        key = secret.removeprefix("whsec_")[:-2]
        assert (key in said, key.encode() in written) == (False, False)


def test_the_dashboards_link(run: Run, steered: Steered) -> None:
    result = run("dashboard")
    if steered == "no controller":
        assert (result.exit_code, "`headgate up` starts one" in result.stderr) == (exits.REFUSED, True)
        return
    assert result.exit_code == exits.DONE, result.output
    assert result.stdout.startswith("http://127.0.0.1:")
    assert "/sign-in?ticket=" in json.loads(run("dashboard", "--json").stdout)["url"]


def test_where_the_door_is_declared(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "UP_S", 0.0)
    open_to_all = run("up", "--listen", "0.0.0.0:7480")
    assert (open_to_all.exit_code, "so it needs TLS" in open_to_all.stderr) == (exits.USAGE, True)
    assert read_entrance(home) == Entrance()
    run("up", "--listen", "0.0.0.0:7480", "--plain", "--url", "https://releases.example.com")
    declared = Entrance("0.0.0.0", 7480, plain=True, url="https://releases.example.com")
    assert read_entrance(home) == declared
    run("up", "--no-dashboard")
    assert read_entrance(home).off
    run("up", "--listen", "[::1]:80")
    assert (read_entrance(home).host, read_entrance(home).off) == ("::1", False)
    wrong = run("up", "--listen", "7480")
    assert (wrong.exit_code, "HOST:PORT" in wrong.stderr) == (exits.USAGE, True)


def test_what_the_api_may_reach_is_declared(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "UP_S", 0.0)
    run("up", "--no-dashboard")
    run("up", "--reach", "10.0.0.0/8", "--reach", "prometheus.internal")
    assert read_entrance(home) == Entrance(off=True, reach=("10.0.0.0/8", "prometheus.internal"))
    for wrong, said in (("10.0.0.1/8", "10.0.0.0/8 is meant"), ("http://prometheus", "a host's name")):
        result = run("up", "--reach", wrong)
        assert (result.exit_code, said in result.stderr) == (exits.USAGE, True), result.output
    run("up", "--listen", "127.0.0.1:7480")
    assert read_entrance(home).reach == ("10.0.0.0/8", "prometheus.internal")
    run("up", "--reach", "none")
    assert read_entrance(home).reach == ()


def test_the_api_is_described(run: Run) -> None:
    described = json.loads(run("schema", "--api").stdout)
    assert described["openapi"] == "3.1.0"
    assert "/v1/releases/{release}/rollback" in described["paths"]


def test_a_door_that_does_not_open_is_said_and_keeps_nobody_from_the_helm(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside.Door, "running", no_door)
    monkeypatch.setattr(client, "DOOR_S", 0.2)
    found = Foreground(home)
    found.start()
    try:
        refused = run("token", "list")
        assert (refused.exit_code, "the door beside it does not answer" in refused.stderr) == (1, True)
        assert client.Client(socket_of(home)).health().pid > 0
    finally:
        found.close()
