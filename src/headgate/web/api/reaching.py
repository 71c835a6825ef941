"""The reach of a submitted release: who declared each source, channel and marker, and how far it may connect.

Whoever comes by the front door may name an address, and the controller would ask there in their stead. So what they
declare is marked, and the mark stays with it in the ledger; what was declared before keeps the mark it had.
"""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from headgate.core.machine.events import ReleaseRequested
from headgate.core.model import Audience, Channel, Intent, Marker, Reach, Source
from headgate.core.release.planning import Policies
from headgate.core.release.submission import Submission
from headgate.ports.reach import SOCKET, Bounds, known, literal
from headgate.web.http.problems import Problem

Way = TypeVar("Way", Source, Channel, Marker)


def unmarked(intent: Intent) -> Intent:
    """The intent without any word on who declared what."""
    return replace(intent, sources=_all(intent.sources, "private"))


def unmarked_policies(policies: Policies) -> Policies:
    """Policies without any word on who declared what."""
    audience = policies.audience
    channels, markers = _all(audience.channels, "private"), _all(audience.markers, "private")
    return replace(policies, audience=replace(audience, channels=channels, markers=markers))


def marked(submission: Submission, before: Sequence[ReleaseRequested]) -> Submission:
    """The submission of somebody at the front door: what is not in `before`, the requests promoted last, is theirs."""
    intents = [
        replace(intent, sources=_as_declared(intent.sources, list(_sources(intent, before))))
        for intent in submission.intents
    ]
    audience = submission.policies.audience
    known_channels = [channel for asked in before for channel in asked.plan.audience.channels]
    known_markers = [marker for asked in before for marker in asked.plan.audience.markers]
    told: Audience = replace(
        audience,
        channels=_as_declared(audience.channels, known_channels),
        markers=_as_declared(audience.markers, known_markers),
    )
    return replace(submission, intents=tuple(intents), policies=replace(submission.policies, audience=told))


def require_reachable(submission: Submission, bounds: Bounds) -> None:
    """Refuse at once what would be refused when it is connected to. Raises Problem (403).

    Only what a host spells is looked at here: what a name resolves to is checked whenever it is connected to.
    """
    for where, _, host in named_hosts(submission):
        if objection := _objection(host, bounds):
            raise Problem(HTTPStatus.FORBIDDEN, "out of reach", objection, where=where)


def _objection(host: str, bounds: Bounds) -> str:
    if host.startswith(("/", "@")):
        return SOCKET
    address = known(host)
    return bounds.objection(address, "" if literal(host) else host) if address else ""


def _all(ways: Iterable[Way], reach: Reach) -> tuple[Way, ...]:
    return tuple(replace(way, reach=reach) for way in ways)


def _sources(intent: Intent, before: Iterable[ReleaseRequested]) -> Iterator[Source]:
    for asked in before:
        for one in asked.intents:
            if one.unit == intent.unit:
                yield from one.sources


def _as_declared(ways: Iterable[Way], before: Sequence[Way]) -> tuple[Way, ...]:
    """Each as it was declared. Where two doors declared the same, the front door did."""
    found: list[Way] = []
    for way in ways:
        reaches = {one.reach for one in before if replace(one, reach=way.reach) == way}
        found.append(replace(way, reach="private" if reaches == {"private"} else "public"))
    return tuple(found)


def front_doors(submission: Submission) -> Iterator[tuple[str, Source | Channel | Marker]]:
    """Everything that the front door has declared, with the place of its settings in the body."""
    audience = submission.policies.audience
    ways: list[tuple[str, Sequence[Source | Channel | Marker]]] = [
        *(
            (f"body.intents[{index}].sources", intent.sources)
            for index, intent in enumerate(submission.intents)
        ),
        ("body.policies.audience.channels", audience.channels),
        ("body.policies.audience.markers", audience.markers),
    ]
    for where, found in ways:
        for index, way in enumerate(found):
            if way.reach == "public":
                yield f"{where}[{index}].settings", way


def named_hosts(submission: Submission) -> Iterator[tuple[str, Source | Channel | Marker, str]]:
    """Every host that the front door has named, with its place in the body, and by whom."""
    for at, way in front_doors(submission):
        host = way.settings.get("host")
        if isinstance(host, str):
            yield from ((f"{at}.host", way, one) for one in host.split(","))
        for place, text in _texts(way.settings, at):
            yield place, way, _host_of(text)


def _host_of(text: str) -> str:
    """The host of a URL; empty for what is none."""
    try:
        return urlsplit(text.strip()).hostname or ""
    except ValueError:
        return ""  # the plugin says what is wrong with it


def _texts(value: object, where: str) -> Iterator[tuple[str, str]]:
    """Every text in plain JSON, with its place."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, one in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(one, f"{where}.{key}")  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
            yield from _texts(one, f"{where}[{index}]")  # pyright: ignore[reportUnknownArgumentType]
