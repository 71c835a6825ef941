"""Old entries whose criteria had a field for each kind: errors, latencies, business signals."""

from collections.abc import Mapping
from typing import cast

Fields = dict[str, object]
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
