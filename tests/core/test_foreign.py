"""What others choose is made fit for the record: marked where something hid, cut where it is too long."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.home.facts import ActionDenied, HookReceived
from headgate.core.model import Push
from headgate.core.model.foreign import (
    CUT,
    MARK,
    NAME_MAX,
    TEXT_MAX,
    clean_name,
    clean_note,
    clean_text,
    cleaned,
)
from headgate.core.release.admission import Words
from headgate.core.release.planning import Policies
from headgate.core.release.submission import Submission


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("grace", "grace", "grace"),
        ("a\x1b[2Jb", f"a{MARK}[2Jb", f"a{MARK}[2Jb"),
        ("a\nb\tc", f"a{MARK}b{MARK}c", "a\nb\tc"),
        ("a\r\nb\rc", f"a{MARK}{MARK}b{MARK}c", f"a\nb{MARK}c"),
        ("\u202egrace\u2066", f"{MARK}grace{MARK}", f"{MARK}grace{MARK}"),
        ("a\u200bb\ufeffc", f"a{MARK}b{MARK}c", f"a{MARK}b{MARK}c"),
        ("a\u2028b", f"a{MARK}b", f"a{MARK}b"),
        ("\u0645\u06cc\u200c\u062e", f"\u0645\u06cc{MARK}\u062e", "\u0645\u06cc\u200c\u062e"),
        ("a\ud800b", f"a{MARK}b", f"a{MARK}b"),
        ("x" * 5000, "x" * (NAME_MAX - 1) + CUT, "x" * (TEXT_MAX - 1) + CUT),
    ],
)
def test_what_becomes_of_it(text: str, name: str, said: str) -> None:
    assert (clean_name(text), clean_text(text)) == (name, said)


@given(st.text())
def test_nothing_is_left_that_moves_or_hides(text: str) -> None:
    bad = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    name, said = clean_name(text), clean_text(text)
    assert not {unicodedata.category(one) for one in name} & bad
    assert not {unicodedata.category(one) for one in said if one not in "\n\t\u200c\u200d"} & bad
    assert (clean_name(name), clean_text(said)) == (name, said), "once is enough"
    assert len(name) <= NAME_MAX
    assert len(said) <= TEXT_MAX


def test_a_wish_and_a_note_are_cleaned_however_deep() -> None:
    wish = Submission((), Policies(), "gr\x07ace", "be\x07cause", Words("x\x07", "y\x07"))
    assert cleaned(wish) == Submission(
        (), Policies(), f"gr{MARK}ace", f"be{MARK}cause", Words(f"x{MARK}", f"y{MARK}")
    )
    denied = ActionDenied(at=1.0, by="1\x1b", action="a", target="/\x1b", reason="r\u202e")
    assert clean_note(denied) == ActionDenied(
        at=1.0, by=f"1{MARK}", action="a", target=f"/{MARK}", reason=f"r{MARK}"
    )
    push = Push("branch", "shop", "ma\u202ein", "c0ffee", "e\x07ve")
    heard = HookReceived(
        at=1.0, by="hook", hook="h", event="push", digest="d", did=("n\x1b",), pushes=(push,)
    )
    assert clean_note(heard).pushes[0] == Push("branch", "shop", f"ma{MARK}in", "c0ffee", f"e{MARK}ve")
    assert clean_note(heard).did == (f"n{MARK}",)
    same = ActionDenied(at=1.0, by="1", action="a", target="/", reason="r")
    assert clean_note(same) is same
