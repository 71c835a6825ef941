"""Ask one thing of one instance: HTTP, TCP or a command, and say what was expected and what was seen."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import msgspec

from headgate.core.model import CommandCheck, HttpCheck, JsonExpectation, TcpCheck
from headgate.kit import json_path
from headgate.plugins.targets.local import command, http_request
from headgate.plugins.targets.local.http_request import Reply, Unanswered
from headgate.plugins.targets.local.launch import CannotStart
from headgate.plugins.targets.local.record import Spec
from headgate.ports import Permanent
from headgate.ports.errors import UNREADABLE, json_of

EXCERPT_MAX = 300


class Outcome(msgspec.Struct, frozen=True):
    """What a check saw. `seen` is for people; `refused` means that nobody listens; `reply` is the HTTP answer."""

    passed: bool
    seen: str
    reply: Reply | None = None
    refused: bool = False


async def ask(
    check: HttpCheck | TcpCheck | CommandCheck, spec: Spec, timeout_s: float, pid: int = 0
) -> Outcome:
    """Carry out `check` on the instance `spec`, whose process is `pid`. Never raises; takes `timeout_s` at most."""
    match check:
        case HttpCheck():
            return await ask_http(check, spec.host, spec.port, timeout_s)
        case TcpCheck():
            return await _ask_tcp(spec.host, spec.port, timeout_s)
        case CommandCheck():
            return await ask_command(check.argv, spec, timeout_s, pid)


async def ask_http(check: HttpCheck, host: str, port: int, timeout_s: float) -> Outcome:
    """One request and what its answer must be."""
    try:
        reply = await http_request.request(
            host, port, check.method, check.path, check.headers, check.body.encode(), timeout_s
        )
    except Unanswered as unanswered:
        return Outcome(False, f"{check.method} {check.path}: {unanswered}", refused=unanswered.refused)  # noqa: FBT003
    objection = _objection(check, reply, f"{host}:{port}")
    if objection:
        return Outcome(False, f"{check.method} {check.path}: {objection}{_excerpt(reply)}", reply)  # noqa: FBT003
    return Outcome(True, f"{check.method} {check.path}: {reply.status}", reply)  # noqa: FBT003


async def ask_command(argv: tuple[str, ...], spec: Spec, timeout_s: float, pid: int) -> Outcome:
    """A command must exit with 0."""
    name = argv[0]
    try:
        ended = await command.run(argv, spec, pid, timeout_s)
    except (OSError, CannotStart) as error:
        return Outcome(False, f"{name} cannot be run: {error}")  # noqa: FBT003
    said = f": {ended.output.strip()[-EXCERPT_MAX:]}" if ended.output.strip() else ""
    if ended.status is None:
        return Outcome(False, f"{name} did not end within {round(timeout_s, 2):g} s{said}")  # noqa: FBT003
    if ended.status:
        return Outcome(False, f"{name} exited with {ended.status}, expected 0{said}")  # noqa: FBT003
    return Outcome(True, f"{name} exited with 0")  # noqa: FBT003


async def _ask_tcp(host: str, port: int, timeout_s: float) -> Outcome:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return Outcome(False, f"port {port} refuses connections", refused=True)  # noqa: FBT003
    except TimeoutError:
        return Outcome(False, f"port {port} accepted no connection within {timeout_s:g} s")  # noqa: FBT003
    except OSError as error:
        return Outcome(False, f"port {port}: {error.strerror or error}")  # noqa: FBT003
    writer.transport.abort()
    return Outcome(True, f"port {port} accepts connections")  # noqa: FBT003


def _objection(check: HttpCheck, reply: Reply, host: str) -> str:
    """What is wrong with the answer of `host`; empty: nothing. A redirect is what was asked for where its status is."""
    if check.status:
        if reply.status not in check.status:
            return f"expected status {' or '.join(map(str, check.status))}, got {reply.status}"
    elif not 200 <= reply.status <= 399:  # noqa: PLR2004 - Kubernetes' rule
        return f"expected status 200 to 399, got {reply.status}"
    elif again := objection(check.method, check.path, check.headers, host, reply.status, reply.location):
        return again
    if not (check.contains or check.json):
        return ""
    if reply.truncated:
        return f"the answer is longer than {http_request.BODY_BYTES_MAX} bytes"
    if check.contains and check.contains not in reply.text:
        return f"expected the answer to contain {check.contains!r}"
    return _json_objection(check.json, reply)


def _json_objection(expectations: tuple[JsonExpectation, ...], reply: Reply) -> str:
    if not expectations:
        return ""
    try:
        document = json_of(reply.body)
    except UNREADABLE:
        return "expected JSON"
    for expectation in expectations:
        try:
            value = json_path.find(document, expectation.path)
        except (json_path.Missing, Permanent) as error:
            return f"expected {expectation.path}: {error}"
        if expectation.equals is not None and not _equal(value, expectation.equals):
            return f"expected {expectation.path} to be {json.dumps(expectation.equals)}, got {_shown(value)}"
    return ""


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    """As JSON, where it is not nested too deeply to be written."""
    try:
        return json.dumps(value)[:100]
    except RecursionError:
        return f"a {type(value).__name__}"


def _equal(value: Any, expected: str | float | bool) -> bool:  # noqa: ANN401, FBT001 - JSON
    """Equal as JSON has it: true is not 1."""
    return isinstance(value, bool) == isinstance(expected, bool) and bool(value == expected)


def _excerpt(reply: Reply) -> str:
    text = " ".join(reply.text.split())[:EXCERPT_MAX]
    return f"; it says: {text}" if text else ""


# Redirects that lead back to what was asked: whoever follows them comes back for ever, so they are no answer. Pure.
#
# An application behind a proxy that ends TLS is asked without it, and often sends everybody to HTTPS; to itself, that
# is, unless it is told (`X-Forwarded-Proto`) that its client is there already. Such a redirect is well within 200 to
# 399, and says nothing of how the application is.

REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEP_METHOD = frozenset({307, 308})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TOLD = "x-forwarded-proto"


def objection(
    method: str, path: str, headers: Mapping[str, str], host: str, status: int, location: str
) -> str:
    """Why a redirect is no answer to the request (sent to `host` without TLS); empty: it leads somewhere else.

    After another method than GET, a redirect to the same place is a new request (303 and its like), and no loop.
    """
    if status not in REDIRECTS or not location:
        return ""
    sent = {name.lower(): value for name, value in headers.items()}
    asked = urlsplit(f"http://{sent.get('host', host)}{path}")
    try:
        leads = urlsplit(urljoin(asked.geturl(), location))
        same_place = _place(leads) == _place(asked)
    except ValueError:
        return ""
    if not same_place:
        return ""
    where = f"{status} to {location[:200]}"
    if leads.scheme == "https":
        if sent.get(_TOLD, "").lower() == "https":
            return f"it redirects to itself ({where}) although `{_TOLD}: https` was sent: does it trust that header?"
        return (
            f"it sends everybody to HTTPS ({where}), which never ends behind a proxy that ends TLS: say that the "
            f"client is there already, by `headers: {{{_TOLD}: https}}`"
        )
    if method not in _SAFE and status not in KEEP_METHOD:
        return ""
    if leads.netloc.lower() == asked.netloc.lower():
        return f"it redirects to itself ({where}), for ever"
    return f"it answers for another host only ({where}): ask for that one, by `headers: {{host: {leads.netloc[:100]}}}`"


def _place(url: SplitResult) -> tuple[str, str]:
    return url.path or "/", url.query
