"""What others wrote reaches no terminal as more than text: every way that the CLI has to print, and the real verbs."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from headgate.cli import exits, screen
from headgate.cli.render.careful import Careful
from headgate.cli.render.foreign import escaped, visible
from headgate.cli.render.styles import painted, unpainted
from tests.cli.conftest import Run

HOSTILE = "ok\x1b]0;owned\x07\x1b[2K\x1b[1A\r\x9b31m\u202egnp\u200b.exe\x08\x7f"
"""A title, a line wiped out, one overwritten, a C1 sequence, a name turned round, one hidden character, backspaces."""

DANGEROUS = set("\x1b\x07\r\x9b\u202e\u200b\x08\x7f")


def harmless(text: str) -> bool:
    return not DANGEROUS & set(text)


def test_control_characters_are_seen_as_their_pictures() -> None:
    assert visible("a\x1b[31mb\tc\nd\x7f\u202e") == "a␛[31mb\tc\nd␡\ufffd"


@given(st.text())
def test_nothing_else_changes(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert all(a == b or a in visible(a) or not a.isprintable() for a, b in zip(text, shown, strict=True))
    assert visible(shown) == shown


@given(st.dictionaries(st.text(), st.text()))
def test_a_document_means_what_it_meant(document: dict[str, str]) -> None:
    written = escaped(json.dumps(document, ensure_ascii=False))
    assert json.loads(written) == document
    assert harmless(written)


def test_every_way_to_print(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say(HOSTILE)
    screen.print_json({"reason": HOSTILE})
    screen.print_line({"reason": HOSTILE})
    table = Table(HOSTILE)
    table.add_row(HOSTILE, Text(HOSTILE, style="bold"))
    screen.draw(table, Panel(HOSTILE, title=HOSTILE), Text(HOSTILE))
    printed = capsys.readouterr().out
    assert "owned" in printed
    assert harmless(printed), repr(printed)


def test_a_style_is_put_around_what_is_visible() -> None:
    assert painted(HOSTILE, "red") == f"\x1b[31m{visible(HOSTILE)}\x1b[0m"
    assert harmless(unpainted(HOSTILE, "red"))


def test_a_terminal_gets_the_styles_of_ours_alone() -> None:
    stream = io.StringIO()
    Careful(file=stream, force_terminal=True, color_system="standard", width=80).print(
        Text(HOSTILE, style="red")
    )
    drawn = stream.getvalue()
    assert drawn.startswith("\x1b[31m")
    assert harmless(drawn.replace("\x1b[31m", "").replace("\x1b[0m", ""))


@pytest.mark.usefixtures("project", "town")
@pytest.mark.parametrize("label", [HOSTILE, "a\nb", " v1", "v" * 201])
def test_a_label_is_one_line_that_can_be_seen(run: Run, label: str) -> None:
    for verb in (("build",), ("deploy", "-e", "staging")):
        refused = run(*verb, "--label", label)
        assert (refused.exit_code, "letters that can be seen" in " ".join(refused.output.split())) == (
            exits.USAGE,
            True,
        )
    assert "v1" not in run("artifacts").output


@pytest.mark.usefixtures("town")
def test_reasons_labels_and_names_that_others_wrote(run: Run) -> None:
    assert run("deploy", "-e", "staging", "--label", "v1", "--reason", HOSTILE).exit_code == exits.DONE
    frozen = run("freeze", "set", "--reason", HOSTILE, "--until", "2099-01-02")
    assert frozen.exit_code == exits.DONE, frozen.output
    asked = (
        ("history",),
        ("explain", "r1"),
        ("status",),
        ("freeze", "list"),
        ("watch", "r1"),
        ("history", "--json"),
    )
    for words in asked:
        result = run(*words)
        assert harmless(result.output), (words, repr(result.output))
