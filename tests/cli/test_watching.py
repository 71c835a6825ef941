"""What is seen while a release goes on: lines, a stream, a picture; and who is followed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import click
import pytest
from rich.console import Console

from headgate.cli import screen
from headgate.cli.ask.follow import Follower, read_fold
from headgate.cli.errors import Unable
from headgate.cli.home import open_ledger
from headgate.cli.run import views as watching
from headgate.cli.run.views import Picture, Plain, Stream
from headgate.core.story.advice import waits_for_approval
from headgate.ledger import MemoryLedger
from tests.cli import stories
from tests.cli.stories import Story


def following(*told: Story) -> Follower:
    ledger = MemoryLedger()
    stories.write(ledger, *told)
    return Follower(ledger, told[-1].request.release)


def test_sentences_come_once_and_in_order() -> None:
    ledger = MemoryLedger()
    told = stories.baking()
    whole = told.facts
    texts: list[str] = []
    told.facts = whole[:1]
    stories.write(ledger, told)
    follower = Follower(ledger, "r3")
    for count in range(1, len(whole) + 1):
        told.facts = whole[:count]
        stories.write(ledger, told)
        texts += [sentence.text for sentence in follower.poll()]
    assert texts == [sentence.text for sentence in following(told).poll()]
    assert len(texts) == len(set(texts))
    assert not follower.ended


def test_intervals_that_change_nothing_are_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = MemoryLedger()
    told = stories.baking()
    stories.write(ledger, told)
    follower = Follower(ledger, "r3")
    follower.poll()
    monkeypatch.setattr(
        "headgate.cli.ask.follow.explain", lambda _: pytest.fail("nothing new was to be told")
    )
    stories.write(ledger, told.go(observe=20))
    assert follower.poll() == ()
    assert follower.fold.state == told.state


def test_what_versions_are_called() -> None:
    follower = following(stories.first(), stories.promoted(), stories.rolled_back())
    assert sorted(follower.labels.values()) == ["v2", "v3"]


def test_an_unknown_release() -> None:
    with pytest.raises(Unable, match="there is no release `r9`"):
        Follower(MemoryLedger(), "r9")


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    follower = following(stories.rolled_back())
    view = Plain(err=False)
    told = follower.poll()
    view.show(follower, told, stories.NOON, "the disk is full")
    view.show(follower, (), stories.NOON, "the disk is full")
    view.show(follower, (), stories.NOON, "")
    view.close()
    out = capsys.readouterr().out
    assert len(out.splitlines()) == len(told) + 1
    assert out.endswith("r3 stands still: the disk is full\n")
    assert "r3     +0.0s  ann asked to move" in out
    assert "\x1b" not in out


def test_a_reader_who_goes_does_not_stop_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []

    def broken(text: object, **_: object) -> None:
        said.append(text)
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", broken)
    view = Plain(err=False)
    view.note("one")
    view.note("two")
    assert said == ["one"]


def test_a_stream(capsys: pytest.CaptureFixture[str]) -> None:
    follower = following(stories.promoted())
    view = Stream()
    view.show(follower, follower.poll(), stories.NOON, "")
    view.note("to people")
    view.close()
    seen = capsys.readouterr()
    assert [json.loads(line)["release"] for line in seen.out.splitlines()] == ["r2"] * len(
        seen.out.splitlines()
    )
    assert seen.err == "to people\n"


@pytest.mark.parametrize("width", [60, 200])
def test_a_picture(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    paper = io.StringIO()
    terminal = Console(file=paper, force_terminal=True, width=width, height=40, highlight=False)
    monkeypatch.setattr(watching, "console", lambda: terminal)
    follower = following(stories.first(), stories.promoted(), stories.baking())
    view = Picture()
    try:
        view.show(follower, follower.poll(), follower.fold.state.at + 1, "the disk is full")
        view.note("This command has taken over.")
        view.show(follower, (), follower.fold.state.at + 2, "")
    finally:
        view.close()
    text = paper.getvalue()
    assert "v2 → v3" in text
    assert "It stands still: the disk is full" in text
    assert "This command has taken over." in text


def test_the_view_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(watching.view(as_json=True), Plain)
    assert isinstance(watching.view(as_json=False), Plain)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for wish in ("", "1"):
        monkeypatch.setenv("NO_COLOR", wish)
        monkeypatch.setenv("TERM", "xterm-256color")
        found = Terminal()
        monkeypatch.setattr("sys.stdout", found)
        on = screen.console()
        on.print("word", style="red")
        assert ("\x1b[31m" in found.getvalue()) is (not wish)


def test_approval_is_told_from_a_hold(home: Path) -> None:
    stories.fill(home, stories.approving(name="r1"), stories.held(name="r2"))
    ledger = open_ledger(home)
    try:
        folds = [read_fold(ledger, name) for name in ("r1", "r2")]
    finally:
        ledger.close()
    assert [waits_for_approval(fold.state, fold.plan) for fold in folds] == [True, False]
