"""What is a count in an answer, and what only looks like one."""

import pytest

from headgate.kit.points import count_in
from headgate.ports.errors import Temporary


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-1, "-1"),
        (float("inf"), "inf"),
        (10**400, "a int"),
        (-(10**400), "a int"),
        ("1" * 400, "a str"),
        ([], "a list"),
        (True, "1"),
    ],
)
def test_what_is_no_count_is_told(value: object, shown: str) -> None:
    with pytest.raises(Temporary, match=f"it: {shown} is no count"):
        count_in(value, "it")


@pytest.mark.parametrize(("value", "count"), [(7, 7.0), ("7", 7.0), (0.5, 0.5), (None, None), ("NaN", None)])
def test_a_count_is_read(value: object, count: float | None) -> None:
    assert count_in(value, "it") == count
