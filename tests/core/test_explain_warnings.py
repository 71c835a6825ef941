"""A warning is told once, when it is first said, and decides nothing."""

from __future__ import annotations

from headgate.core.model import Verdict
from headgate.core.story.explain import tells

RISES = "memory rises by 12 MB a minute, to the limit in about 40 min"
WELL = Verdict("pass", "no harm")
WARNED = Verdict("pass", f"no harm; warning: {RISES}", warnings=(RISES,))


def test_the_first_of_several_in_a_row_is_told() -> None:
    assert tells(WELL, WARNED)
    assert not tells(WARNED, WARNED)
    assert not tells(WARNED, WELL)
    assert tells(None, WARNED)


def test_another_verdict_is_told_whatever_was_warned() -> None:
    assert tells(WARNED, Verdict("watch", "more requests are needed", warnings=(RISES,)))
