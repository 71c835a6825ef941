"""Text of others on pages: what cannot be seen is written out, only an overlong word is broken, nothing is missed."""

import re
import shlex
from pathlib import Path

import pytest
from markupsafe import Markup

from headgate.core.model import Unit
from headgate.core.model.places import named, retire
from headgate.web.pages.render import HERE, WORD_MAX, breakable, plain, shown, visible
from tests.web.shop import past
from tests.web.visitor import Visitor, play

UNSEEN = "a\u202eb\u0000c\u2066d\ufeffe\u2028f\u200bg\x1b[31m"
"""Overrides, controls, and what has no width."""


def test_what_cannot_be_seen_is_written_out() -> None:
    said = visible(UNSEEN)
    assert said.isprintable()
    assert said.startswith("a⟨U+202E⟩b⟨U+0000⟩c⟨U+2066⟩d⟨U+FEFF⟩e⟨U+2028⟩f⟨U+200B⟩g⟨U+001B⟩")
    for kept in ("line\nline\ttab", "naïve — «façade»", "שלום", "👩‍👩‍👧", "z\u0351\u036b"):
        assert visible(kept) == kept


def test_only_an_overlong_word_is_broken_and_where_it_has_a_separator() -> None:
    assert shown("an ordinary sentence of any length, with no word in it that is too long") == (
        "an ordinary sentence of any length, with no word in it that is too long"
    )
    assert shown("x" * WORD_MAX) == "x" * WORD_MAX
    assert (
        shown("so payments-gateway/production-eu now")
        == "so payments-<wbr>gateway/<wbr>production-<wbr>eu now"
    )
    assert re.fullmatch(r"(x{1,12}<wbr>)+x{1,12}", str(shown("x" * 2000)))
    assert str(shown("<" * 30)).replace("<wbr>", "") == "&lt;" * 30
    assert breakable("a_b<.c") == "a_<wbr>b&lt;.<wbr>c"
    assert shown(Markup("<b>")) == "<b>"
    assert shown(7) == 7


def test_an_attribute_has_no_element_in_it() -> None:
    assert plain('"><img>' + "x" * 100) == "&#34;&gt;&lt;img&gt;" + "x" * 100
    assert plain(UNSEEN).isprintable()
    assert plain(None) == "None"
    assert plain(3) == "3"


def test_every_value_in_an_attribute_or_a_title_is_plain() -> None:
    """An element's text is passed through `shown` by itself; in a tag that would leave breaks behind."""
    for file in sorted(Path(HERE / "templates").glob("*.html")):
        text = re.sub(
            r"\{%.*?%\}",
            "",
            file.read_text().replace("{% block title %}", '<title x="').replace("{% endblock %}", '">', 1),
        )
        for tag in re.findall(r"<[a-z][^<>]*(?:\{\{[^{}]*\}\}[^<>]*)*>", text):
            for value in re.findall(r"\{\{(.*?)\}\}", tag):
                assert value.strip().endswith("|plain"), f"{file.name}: {value} in {tag[:80]}"


def test_no_page_has_a_letter_that_cannot_be_seen() -> None:
    unit = Unit(f"p{UNSEEN}", f"e{UNSEEN}", f"s{UNSEEN}")

    async def story(visitor: Visitor) -> None:
        await visitor.enter()
        for path in (
            "/",
            "/history",
            "/incident",
            "/ledger",
            "/releases/r3",
            "/releases/r3/replay",
            "/compare?release=r2&release=r3",
        ):
            text = (await visitor.http.get(path)).text
            assert [letter for letter in text if letter != "\n" and not letter.isprintable()] == [], path
        assert "⟨U+202E⟩" in (await visitor.http.get("/releases/r3")).text

    play(story, lambda: past(unit, (UNSEEN, UNSEEN, UNSEEN, UNSEEN)))


@pytest.mark.parametrize("name", ["web; rm -rf /", "$(id)", "a b", "`id`", "'"])
def test_a_command_to_copy_has_foreign_names_quoted(name: str) -> None:

    unit = Unit("shop", name, name)
    assert shlex.split(named(unit)) == ["-e", name, name]
    assert shlex.split(retire(unit)) == ["headgate", "retire", "-e", name, name]
