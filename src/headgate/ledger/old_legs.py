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


def with_changes(event: Fields) -> Fields:
    """The fields of an event that has a plan, with each leg's change as a value of its own."""
    plan = event["plan"]
    return event | {"plan": plan | {"legs": [_leg(leg) for leg in plan["legs"]]}}


def _leg(leg: Fields) -> Fields:
    change = {name: leg[name] for name in _OF_THE_CHANGE if name in leg}
    rest = {name: value for name, value in leg.items() if name not in _OF_THE_CHANGE}
    return {"change": {"type": "service"} | change} | rest
