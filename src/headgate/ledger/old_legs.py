"""Legs as they were written while every leg moved a service: what is changed stood among the steps and the criteria."""

from typing import Any

Fields = dict[str, Any]

_OF_THE_CHANGE = (
    "unit",
    "candidate",
    "baseline",
    "listener",
    "instances",
    "sticky",
    "warm_s",
    "drain_s",
    "baseline_listener",
    "fresh",
    "baseline_instances",
)
_ONE_WAY = ("one_way_after", "one_way_reason")


def with_changes(event: Fields) -> Fields:
    """The fields of an event that has a plan, with each leg's change as a value of its own."""
    plan = event["plan"]
    return event | {"plan": plan | {"legs": [_leg(leg) for leg in plan["legs"]]}}


def _leg(leg: Fields) -> Fields:
    change = {name: leg[name] for name in _OF_THE_CHANGE if name in leg}
    rest = {name: value for name, value in leg.items() if name not in (*_OF_THE_CHANGE, *_ONE_WAY)}
    return {"change": {"type": "service"} | change} | rest | {"one_way": _one_way(leg)}


def _one_way(leg: Fields) -> list[Fields]:
    """What could not be undone once the step before it was complete."""
    complete = leg.get("one_way_after")
    if complete is None or complete + 1 >= len(leg["steps"]):
        return []
    return [{"step": complete + 1, "reason": leg.get("one_way_reason", "")}]
