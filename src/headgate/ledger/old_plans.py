"""Plans as older releases of Headgate wrote them: legs that were services, criteria with a field for each kind."""

from collections.abc import Mapping
from typing import Any, cast

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


# Old entries whose criteria had a field for each kind: errors, latencies, business signals.

NOTHING_SAID: Fields = {}


def requested(fields: Fields) -> Fields:
    """A `ReleaseRequested` of version 1, as version 2 has it."""
    intents = cast("list[Fields]", fields["intents"])
    return dequeued(fields) | {"intents": [_judged(intent) for intent in intents]}


def dequeued(fields: Fields) -> Fields:
    """A `ReleaseDequeued` of version 1, as version 2 has it."""
    plan = cast("Fields", fields["plan"])
    return fields | {"plan": plan | {"legs": [_judged(leg) for leg in cast("list[Fields]", plan["legs"])]}}


def _judged(one: Fields) -> Fields:
    """A leg, or an intent, with its criteria in one list."""
    spec = cast("Fields", one["judge"])
    errors = cast("Fields | None", spec.get("error_ratio", {}))
    found = [] if errors is None else [_tagged("error_ratio", errors)]
    found += [
        _tagged("latency", latency) for latency in cast("list[Fields]", spec.get("latency", [NOTHING_SAID]))
    ]
    found += [_tagged("mean", mean) for mean in cast("list[Fields]", spec.get("means", []))]
    kept = {name: value for name, value in spec.items() if name not in ("error_ratio", "latency", "means")}
    return one | {"judge": {"criteria": found} | kept}


def _tagged(kind: str, criterion: Mapping[str, object]) -> Fields:
    return {"type": kind, **criterion}
