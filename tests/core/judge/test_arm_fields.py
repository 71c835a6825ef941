"""No field of an arm is lost on the way from a source to the judge, whichever fields there will be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from headgate.controller.readings import merged
from headgate.core.judge.verdict.screening import whole
from headgate.core.model.sample import Arm, Counts, Histogram, Mean, carried, since, together

EXAMPLES: dict[str, Any] = {
    "requests": 10,
    "errors": 3,
    "latency_ms": Histogram((5.0,), (0,)),
    "instances": {"a": Counts(0, 0)},
    "means": {"orders": Mean(1.0, 2)},
    "gauges": {"memory": {"a": 1e6}},
}
"""A value for every field that is not its default: a field without one fails the first test."""

ON_THE_WAY: dict[str, Callable[[Arm], Arm]] = {
    "since": lambda arm: since(Arm(), arm),
    "carried": lambda arm: carried(Arm(), arm),
    "together, first": lambda arm: together(arm, Arm()),
    "together, second": lambda arm: together(Arm(), arm),
    "merged": lambda arm: merged(arm, [arm]),
    "whole": whole,
    "whole, with an error too many": lambda arm: whole(msgspec.structs.replace(arm, errors=11)),
}


def test_every_field_has_an_example() -> None:
    assert set(EXAMPLES) == set(Arm.__struct_fields__)


@pytest.mark.parametrize("way", ON_THE_WAY)
@pytest.mark.parametrize("field", EXAMPLES)
def test_the_field_arrives(field: str, way: str) -> None:
    arm = Arm(**{"requests": 10, field: EXAMPLES[field]})
    found = getattr(ON_THE_WAY[way](arm), field)
    if way.startswith("whole, ") and field in ("requests", "errors"):
        assert found == 11
    else:
        assert found == EXAMPLES[field]


def test_a_gauge_is_the_newest_reading() -> None:
    before, after = Arm(gauges={"memory": {"a": 5.0, "b": 1.0}}), Arm(gauges={"memory": {"a": 3.0}})
    assert since(before, after).gauges == after.gauges
    assert carried(before, after).gauges == after.gauges
    assert carried(before, Arm()).gauges == {}


def test_gauges_of_both_parts_stand_side_by_side() -> None:
    one, other = Arm(gauges={"memory": {"a": 1.0}}), Arm(gauges={"memory": {"b": 2.0}, "threads": {"b": 8.0}})
    assert together(one, other).gauges == {"memory": {"a": 1.0, "b": 2.0}, "threads": {"b": 8.0}}


def test_the_first_source_of_a_gauge_is_believed() -> None:
    one, other = Arm(gauges={"memory": {"a": 1.0}}), Arm(gauges={"memory": {"a": 2.0}})
    assert merged(one, [one, other]).gauges == one.gauges
