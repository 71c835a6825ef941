"""Health answers that name dependencies, in the forms the field uses. Pure.

* `application/health+json` (IETF): `{"status": "pass", "checks": {"db:time": [{"status": "fail", "output": ""}]}}`
* Spring Boot: `{"status": "UP", "components": {"db": {"status": "DOWN", "details": {..}}}}`
* ASP.NET: `{"status": "Healthy", "entries": {"db": {"status": "Unhealthy", "description": ..}}}`
* and the plain one: `{"dependencies": {"database": {"status": "ok"}, "payments": "ok"}}`
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

from headgate.core.model import Answer, Finding
from headgate.ports.errors import UNREADABLE, json_of

DEPENDENCIES_MAX = 50
TEXT_MAX = 200

_ANSWERS: dict[str, Answer] = {
    **dict.fromkeys(("pass", "ok", "up", "healthy", "true", "available", "operational", "green"), "pass"),
    **dict.fromkeys(("warn", "warning", "degraded", "yellow"), "warn"),
    **dict.fromkeys(
        ("fail", "failed", "error", "down", "unhealthy", "false", "out_of_service", "critical"), "fail"
    ),
    **dict.fromkeys(("unavailable", "outofservice", "red"), "fail"),
}
_PLACES = ("dependencies", "checks", "components", "entries", "results", "details")
_REASONS = ("error", "output", "description", "message", "reason", "exception", "details")
_OPTIONAL = ("required", "critical")


def findings(body: bytes, question: str) -> tuple[Finding, ...]:
    """One finding per dependency that a health answer names; none when it names none or is no such answer."""
    try:
        return tuple(islice(_findings(json_of(body), question), DEPENDENCIES_MAX))
    except UNREADABLE:
        return ()


def _findings(document: object, question: str) -> Iterator[Finding]:
    for name, state in _dependencies(document):
        status = _status(state)
        if status is None:
            continue
        answer = _ANSWERS.get(status.lower(), "unknown")
        if answer == "fail" and _is_optional(state):
            answer = "warn"
        yield Finding(f"{question}: {name}", answer, _evidence(name, status, state))


def _dependencies(document: object) -> Iterator[tuple[str, object]]:
    """(name, state) of each; several entries of one name are told apart by their component."""
    if not isinstance(document, dict):
        return
    answer = cast("dict[str, object]", document)
    place = next((name for name in _PLACES if isinstance(answer.get(name), dict | list)), None)
    if place is None:
        return
    held = answer[place]
    if isinstance(held, list):  # a list of {"name": ...}
        for state in cast("list[object]", held):
            if isinstance(state, dict):
                named = cast("dict[str, object]", state)
                yield str(named.get("name", named.get("component", "?")))[:TEXT_MAX], named
        return
    for name, state in cast("dict[str, object]", held).items():
        if not isinstance(state, list):
            yield name[:TEXT_MAX], state
            continue
        several = cast("list[object]", state)
        for index, one in enumerate(several):
            yield (f"{name}[{index}]" if len(several) > 1 else name)[:TEXT_MAX], one


def _status(state: object) -> str | None:
    if isinstance(state, Mapping):
        held = cast("Mapping[str, object]", state)
        state = next((held[key] for key in ("status", "healthy", "state", "ok") if key in held), None)
    if isinstance(state, bool):
        return "ok" if state else "failed"
    return state if isinstance(state, str) else None


def _is_optional(state: object) -> bool:
    """True when the service itself says that it can do without."""
    return isinstance(state, Mapping) and any(
        cast("Mapping[str, Any]", state).get(key) is False for key in _OPTIONAL
    )


def _evidence(name: str, status: str, state: object) -> str:
    held: Mapping[str, Any] = cast("Mapping[str, Any]", state) if isinstance(state, Mapping) else {}
    reason = next((held[key] for key in _REASONS if held.get(key)), "")
    text = reason if isinstance(reason, str) else json.dumps(reason)
    return f"{name} is {status}{': ' if text else ''}{text[:TEXT_MAX]}"
