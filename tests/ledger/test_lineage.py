"""Which version a way back goes to: checked against the pile of versions that a person has in mind."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.model import Version
from headgate.core.model.summary import Move, Summary
from headgate.ledger.lineage import Lineage, Unrecorded
from headgate.testing.ledger import UNIT, a_summary, a_version

VERSIONS = [a_version(letter) for letter in "abcdef"]
A, B, C = VERSIONS[:3]


@dataclass
class Unit:
    """A unit's releases, oldest first, and the pile of promotions that ways back take from."""

    summaries: list[Summary] = field(default_factory=list)
    back: dict[str, str] = field(default_factory=dict)
    pile: list[tuple[str, Version]] = field(default_factory=list)

    @property
    def runs(self) -> Version | None:
        return self.pile[-1][1] if self.pile else None

    def promote(self, version: Version) -> str:
        name = self._add(version)
        if self.summaries[-1].moves[0].before is None:
            self.pile.clear()
        self.pile.append((name, version))
        return name

    def retire(self) -> None:
        self.pile.clear()

    def go_back(self) -> None:
        self.pile.pop()
        release, version = self.pile[-1]
        name = self._add(version, left=self.summaries[-1].moves[0].after)
        self.back[name] = release

    def lineage(self) -> Lineage:
        return Lineage(self.summaries[::-1], UNIT, self.back.get)

    def _add(self, version: Version, left: Version | None = None) -> str:
        name = f"r{len(self.summaries) + 1}"
        summary = a_summary(name, 1, closed=True, unit=UNIT)
        move = Move(UNIT, left or self.runs, version)
        self.summaries.append(msgspec.structs.replace(summary, moves=(move,), outcome="promoted"))
        return name


def test_a_second_way_back_goes_on_to_the_one_before_and_not_to_what_was_just_left() -> None:
    unit = Unit()
    for version in (A, B, C):
        unit.promote(version)
    unit.go_back()
    found = unit.lineage().before("r4")
    assert found is not None
    assert (found.release, found.version) == ("r1", A)


def test_after_going_back_twice_there_is_nothing_before_the_first() -> None:
    unit = Unit()
    for version in (A, B):
        unit.promote(version)
    unit.go_back()
    assert unit.lineage().before("r3") is None


def test_the_same_version_released_twice_is_two_promotions() -> None:
    unit = Unit()
    for version in (A, B, C, B):
        unit.promote(version)
    unit.go_back()  # to c
    unit.go_back()  # to b, the one of r2
    found = unit.lineage().before("r6")
    assert found is not None
    assert (found.release, found.version) == ("r1", A)


def test_what_the_ledger_does_not_say_is_no_way_back() -> None:
    unit = Unit()
    unit.promote(A)
    unit.promote(B)
    with pytest.raises(Unrecorded):
        Lineage(unit.summaries[:0:-1], UNIT, unit.back.get).before("r2")
    with pytest.raises(Unrecorded):
        unit.lineage().before("r9")


@given(st.lists(st.sampled_from(["back", "back", "retire", *VERSIONS]), max_size=30))
def test_ways_back_take_from_the_pile(steps: list[Version | str]) -> None:
    unit = Unit()
    for step in steps:
        if step == "retire":
            unit.retire()
        elif isinstance(step, Version):
            if step != unit.runs:
                unit.promote(step)
        elif len(unit.pile) > 1:
            unit.go_back()
        if unit.pile:
            found = unit.lineage().before(unit.summaries[-1].release)
            below = unit.pile[-2] if len(unit.pile) > 1 else None
            assert (found and (found.release, found.version)) == below
