import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.kit.json_path import Missing, find, parse
from headgate.ports import Permanent

DOCUMENT = {"a": {"b": [{"c d": 1, "it's": 2}, [10, 20]]}, "$x": True, "n": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.a.b[0]['c d']", 1),
        ('$.a.b[0]["c d"]', 1),
        (r"$.a.b[0]['it\'s']", 2),
        ("$['a']['b'][1][-1]", 20),
        ("$.$x", True),
        ("$.n", None),
    ],
)
def test_it_finds(path: str, value: object) -> None:
    assert find(DOCUMENT, path) == value


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("$.b", "nothing at $.b"),
        ("$.a.b[7]", r"nothing at \$.a.b\[7\]"),
        ("$.a[0]", r"nothing at \$.a\[0\]"),
        ("$.a.b.c", "nothing at $.a.b.c"),
        ("$.n.x", "nothing at $.n.x"),
    ],
)
def test_it_says_where_there_is_nothing(path: str, seen: str) -> None:
    with pytest.raises(Missing, match=seen.replace("$.", r"\$.") if "\\" not in seen else seen):
        find(DOCUMENT, path)


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..a", "$[a]", "$.a[*]", "$['a", "$.a b", "$" + ".a" * 400]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(Permanent, match="no JSON path"):
        parse(path)


@given(st.text(max_size=60))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    with contextlib.suppress(Permanent, Missing):
        find(DOCUMENT, "$" + text)
