"""A release as stretches of time: they follow each other without a gap, and say what happened in each."""

from itertools import pairwise

import pytest

from headgate.core.machine.events import ReleasePaused
from headgate.core.story.timeline import REMARKS_MAX, TimelinePart, parts
from tests.cli import stories


def _without_gaps(found: tuple[TimelinePart, ...]) -> None:
    for before, after in pairwise(found):
        assert before.ended_at is not None
        assert before.ended_at <= after.began_at
    assert all(len(part.remarks) <= REMARKS_MAX for part in found)


def test_a_promoted_release_is_its_steps() -> None:
    story = stories.promoted()
    found = parts(story.said)
    _without_gaps(found)
    assert [part.kind for part in found][:2] == ["gates", "prepare"]
    assert found[-1].kind == "promote"
    assert found[-1].ended_at is not None
    assert {part.service for part in found[1:]} == {"web"}
    assert found[0].began_at >= story.said[0].at
    said = [remark for part in found for remark in part.remarks if remark.name == "verdict"]
    assert "pass" in {remark.details["kind"] for remark in said}
    kinds = [remark.details["kind"] for remark in said]
    assert all(one != two for one, two in pairwise(kinds)), "a verdict is said when it changes"


def test_a_rollback_is_a_part_with_its_reason() -> None:
    found = parts(stories.rolled_back().said)
    _without_gaps(found)
    back = next(part for part in found if part.kind == "rollback")
    assert back.failed == stories.rolled_back().state.reason
    assert any(remark.details.get("kind") == "fail" for part in found for remark in part.remarks)


@pytest.mark.parametrize("story", [stories.held, stories.baking, stories.approving])
def test_what_goes_on_is_open(story: type) -> None:
    found = parts(story().said)
    _without_gaps(found)
    assert found[-1].ended_at is None


def test_a_person_is_named() -> None:
    story = stories.baking()
    story.add(ReleasePaused(at=story.state.at, by="grace", reason="lunch"))
    remark = parts(story.said)[-1].remarks[-1]
    assert (remark.name, remark.details) == ("paused", {"by": "grace", "reason": "lunch"})


def test_a_refused_release_has_no_steps() -> None:
    assert all(part.kind == "gates" for part in parts(stories.refused().said))


def test_it_begins_with_a_request() -> None:
    with pytest.raises(ValueError, match="ReleaseRequested"):
        parts(stories.promoted().said[1:])
    with pytest.raises(ValueError, match="ReleaseRequested"):
        parts(())
