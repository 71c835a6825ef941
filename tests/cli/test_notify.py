"""`headgate notify test`, and what `status` says of what could not be told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from headgate.cli import exits
from headgate.core.story.account import one_line
from headgate.outbox.book import FILE, Book, GivenUp
from headgate.ports.web import Answer, Request
from headgate.testing.web import http_server_aside
from tests.cli import stories
from tests.cli.conftest import PROJECT, Run

GOLDEN = Path(__file__).parent / "golden" / "notify_test.txt"
SECRET = "hunter2-hunter2-hunter2"
LISTENING = """\
    notify:
      ops: {{to: webhook, url: "{origin}/good", secret: {{env: HOOK_SECRET}}}}
      night:
        to: webhook
        url: "{origin}/good"
        secret: {{env: HOOK_SECRET}}
        on: [held, rolled_back]
        severity: warning
        quiet: {{from: "00:00", until: "23:59"}}
      closed: {{to: webhook, url: "{origin}/bad", secret: {{env: HOOK_SECRET}}}}
      unset: {{to: webhook, url: "{origin}/good", secret: {{env: NOT_SET}}}}
"""


def answer(request: Request) -> Answer:
    return Answer(403 if request.url.endswith("/bad") else 200, {}, b"no such room")


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.delenv("NOT_SET", raising=False)


def shown(text: str, origin: str) -> str:
    lines = [
        line.partition(" said it, in ")[0] + (" said it" if " said it, in " in line else "")
        for line in text.splitlines()
    ]
    return "\n".join(lines).replace(origin, "http://HERE") + "\n"


def test_every_channel_says_what_it_answered(run: Run, project: Path) -> None:
    heard: list[Request] = []
    with http_server_aside(lambda request: (heard.append(request), answer(request))[1]) as origin:  # type: ignore[func-returns-value]
        (project / "headgate.yaml").write_text(PROJECT + LISTENING.format(origin=origin))
        result = run("notify", "test", "-e", "production")
        one = run("notify", "test", "ops", "-e", "production", "--json")
        unknown = run("notify", "test", "opps", "-e", "production")
    assert result.exit_code == exits.INTERNAL
    text = shown(result.stdout, origin)
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text("utf-8")
    assert "hunter2" not in result.output
    assert (one.exit_code, unknown.exit_code) == (exits.DONE, exits.USAGE)
    document = json.loads(one.stdout)
    assert [(c["channel"], c["plugin"], c["ok"]) for c in document["channels"]] == [("ops", "webhook", True)]
    assert "did you mean `ops`?" in unknown.output
    said = msgspec.json.decode(heard[0].body)["data"]
    assert said["title"] == "shop/production: a test of this channel"


def test_an_environment_that_tells_nobody_says_so(run: Run, project: Path) -> None:
    result = run("notify", "test", "-e", "staging")
    assert result.exit_code == exits.USAGE
    assert "the environment `staging` tells nobody of its releases" in result.output


def test_the_names_of_channels_are_completed(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "headgate.yaml").write_text(PROJECT + LISTENING.format(origin="http://127.0.0.1:1"))
    monkeypatch.setenv("_HEADGATE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "headgate notify test -e production n")
    monkeypatch.setenv("COMP_CWORD", "5")
    assert run().stdout.split() == ["plain,night"]


def test_status_shows_what_could_not_be_told_and_who_has_which_role(run: Run, home: Path) -> None:
    stories.fill(home, stories.first(), stories.promoted(), stories.baking())
    import time  # noqa: PLC0415

    lane = "shop/production/notify/ops"
    gone = GivenUp(time.time() - 60, lane, "k", "r2 was rolled back", 30, "the service is away")
    (home / FILE).write_bytes(msgspec.json.encode(Book(given_up=[gone])))
    text = one_line(run("status").stdout, 5000)
    assert f"{lane}: 1 given up, the last: r2 was rolled back (the service is away)" in text
    assert lane in json.loads(run("status", "--json").stdout)["trouble"]
    (home / FILE).write_bytes(b"\xff")
    assert lane not in run("status").stdout
