"""Smoke tests: a journey of requests against one instance, each using what earlier ones saved; or a command."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from headgate.core.model import Finding, HttpCheck, SmokeTest
from headgate.kit import json_path
from headgate.plugins.targets.local import checks
from headgate.plugins.targets.local.record import Spec
from headgate.plugins.targets.local.redaction import Redaction
from headgate.ports import Permanent
from headgate.ports.errors import UNREADABLE, json_of

Saved = Mapping[str, Any]

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


async def run(test: SmokeTest, spec: Spec, pid: int, redaction: Redaction) -> Finding:
    """One finding: passed, or the first thing that was not as expected. Takes `timeout_s` of the test at most."""
    clock = asyncio.get_running_loop().time
    began = clock()
    objection = await _objection(test, spec, pid, began + test.timeout_s)
    took_ms = round((clock() - began) * 1000)
    check = f"smoke test {test.name}"
    if objection:
        return Finding(
            check, "fail", redaction.clean(objection), f"asked of {spec.name} at {spec.host}:{spec.port}"
        )
    what = (
        f"{len(test.requests)} request{'s' if len(test.requests) != 1 else ''}"
        if test.requests
        else "command"
    )
    return Finding(check, "pass", f"{what} as expected, {took_ms} ms")


async def _objection(test: SmokeTest, spec: Spec, pid: int, deadline: float) -> str:
    saved: dict[str, Any] = {}
    for number, request in enumerate(test.requests, start=1):
        prefix = f"request {number} of {len(test.requests)}, "
        left_s = deadline - asyncio.get_running_loop().time()
        if left_s <= 0:
            return f"{prefix}{request.method} {request.path}: the journey's {test.timeout_s:g} s were over before it"
        try:
            asked = filled(request, saved)
        except UNREADABLE:
            return f"{prefix}{request.method} {request.path}: what was saved for it is nested too deeply"
        outcome = await checks.ask_http(asked, spec.host, spec.port, left_s)
        if not outcome.passed:
            return f"{prefix}{outcome.seen}"
        try:
            saved |= _save(request.save, outcome.reply.body if outcome.reply else b"")
        except (*UNREADABLE, json_path.Missing, Permanent) as error:
            reason = "the answer is not JSON" if isinstance(error, UNREADABLE) else error
            return f"{prefix}{outcome.seen}, but nothing to save from it: {reason}"
    if test.command:
        left_s = max(0.1, deadline - asyncio.get_running_loop().time())
        outcome = await checks.ask_command(test.command, spec, left_s, pid)
        return "" if outcome.passed else outcome.seen
    return ""


def filled(request: HttpCheck, saved: Saved) -> HttpCheck:
    """`request` with `{name}` replaced in its path (percent-encoded) and body (as JSON text, in a JSON body)."""
    is_json = request.body.lstrip()[:1] in ("{", "[")
    return msgspec.structs.replace(
        request,
        path=_PLACE.sub(lambda found: _fill(found, saved, _in_path), request.path),
        body=_PLACE.sub(lambda found: _fill(found, saved, _in_json if is_json else _plain), request.body),
    )


def _fill(found: re.Match[str], saved: Saved, written: Any) -> str:  # noqa: ANN401 - one of the three below
    return str(written(saved[found[1]])) if found[1] in saved else found[0]


def _plain(value: Any) -> str:  # noqa: ANN401 - JSON
    return value if isinstance(value, str) else json.dumps(value)


def _in_path(value: Any) -> str:  # noqa: ANN401 - JSON
    return quote(_plain(value), safe="")


def _in_json(value: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(value)


def _save(wanted: Mapping[str, str], body: bytes) -> dict[str, Any]:
    if not wanted:
        return {}
    document = json_of(body)
    return {name: json_path.find(document, path) for name, path in wanted.items()}
