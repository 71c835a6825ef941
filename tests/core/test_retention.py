from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.controller.housekeeping import collectable

DIGESTS = st.lists(st.sampled_from("abcdefghij"), unique=True)


def test_the_newest_and_the_needed_stay() -> None:
    assert collectable("edcba", 2, frozenset("b")) == ("a", "c")
    assert collectable("edcba", 0, frozenset()) == tuple("abcde")
    assert collectable("edcba", 9, frozenset()) == ()
    with pytest.raises(ValueError, match="-1"):
        collectable("edcba", -1, frozenset())


@given(DIGESTS, st.integers(0, 12), st.frozensets(st.sampled_from("abcdefghij")))
def test_nothing_that_is_needed_or_new_ever_goes(
    digests: list[str], keep: int, needed: frozenset[str]
) -> None:
    gone = collectable(digests, keep, needed)
    assert needed.isdisjoint(gone)
    assert set(digests[:keep]).isdisjoint(gone)
    assert set(gone) | set(digests[:keep]) | (needed & set(digests)) == set(digests)
