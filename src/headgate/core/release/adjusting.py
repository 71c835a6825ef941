"""Changes around a version that stays: its size, and where it is reached."""

from collections.abc import Iterator

from headgate.core.machine.plan import Leg
from headgate.core.model import Listener, ProxyRules


def adjustments(leg: Leg) -> tuple[str, ...]:
    """What a leg changes beside the version, `1 -> 3 instances`; empty: nothing, or nothing is known of before."""
    return tuple(_adjustments(leg))


def _adjustments(leg: Leg) -> Iterator[str]:
    before, after = leg.change.baseline_listener, leg.change.listener
    if leg.change.baseline_instances is not None and leg.change.baseline_instances != leg.change.instances:
        yield f"{leg.change.baseline_instances} -> {leg.change.instances} instances"
    if before is not None and _place(before) != _place(after):
        yield f"{_place(before)} -> {_place(after)}"
    if before is not None and before.proxy != after.proxy:
        yield f"other `proxy` rules: {', '.join(_changed(before.proxy, after.proxy))}"


def _place(listener: Listener) -> str:
    preview = f", preview {listener.preview_port}" if listener.preview_port is not None else ""
    return f"{listener.host}:{listener.port}{preview} ({listener.preview_header})"


def _changed(before: ProxyRules, after: ProxyRules) -> Iterator[str]:
    """The fields that are others."""
    yield from (
        field for field in ProxyRules.__struct_fields__ if getattr(before, field) != getattr(after, field)
    )
