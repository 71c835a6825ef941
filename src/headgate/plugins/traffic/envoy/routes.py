"""Who reaches which version. A pure builder; the routing it was built from travels with it as metadata."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from headgate.core.machine.events import EffectId
from headgate.core.model import Match, PathLimits, Routing, TimeLimits, Version
from headgate.plugins.traffic.envoy.bootstrap import limit, seconds
from headgate.plugins.traffic.envoy.clusters import METADATA
from headgate.plugins.traffic.envoy.names import cluster_name, unit_name
from headgate.ports.errors import UNREADABLE, Permanent

CLIENT_HEADER = "x-headgate-client"
"""Carries a fresh name for a client that has no sticky cookie yet; services see it only where a cookie is sticky."""

_ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
_ADDRESS_HEADER = "x-envoy-external-address"
_ALL = {"prefix": "/"}
_MIRRORS = "request_mirror_policies"
_PERCENT = 100
_PREVIOUS_HOSTS = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"


class Applied(msgspec.Struct, frozen=True):
    """What a route configuration says of itself: its routing, and the newest effect of each release it came from."""

    routing: Routing
    effects: tuple[EffectId, ...]


def routes(applied: Applied) -> dict[str, Any]:
    """The route configuration of one unit: preview, then matches, then weights; for each path with limits first.

    While users reach the canary, a switch stands before each route that leads there, and everything to stable behind
    them: see `switch_of`.
    """
    routing, rules = applied.routing, applied.routing.listener.proxy
    found = _switched(list(_routes(routing)), applied)
    found = [*(_upgraded(route) for route in found if _MIRRORS in route.get("route", ())), *found]
    paths = sorted(rules.paths, key=lambda path: (-len(path.prefix), path.prefix))
    host: dict[str, Any] = {
        "name": "all",
        "domains": ["*"],
        "routes": [
            *(_below(path, route) for path in paths for route in found),
            *(_limited(route, {"timeout": limit(rules.limits.total_s)}) for route in found),
        ],
        "retry_policy": _once(rules.limits),
    }
    # The client's address is in x-forwarded-for; a service sees nothing that it would not see without us.
    removed = [_ADDRESS_HEADER] if _sets_cookie(routing) else [_ADDRESS_HEADER, CLIENT_HEADER]
    host["request_headers_to_remove"] = removed
    return {
        "@type": _ROUTES,
        "name": unit_name(routing.unit),
        "virtual_hosts": [host],
        "metadata": {"filter_metadata": {METADATA: {"applied": msgspec.to_builtins(applied)}}},
    }


def switch_of(applied: Applied) -> str:
    """The runtime key that, set to 0, sends everybody to stable, without any file being written.

    Each routing has a key of its own, so that what was switched off for one says nothing of the next.
    """
    return f"headgate.{unit_name(applied.routing.unit)}.{applied.effects[-1]}"


def applied_of(configuration: dict[str, Any], name: str) -> Applied:
    """What `configuration` was built from. Raises Permanent for a stranger's, called `name`.

    Numbers in protobuf metadata are doubles, so integers may come back from Envoy as 1.0: hence not strict.
    """
    try:
        written = configuration["metadata"]["filter_metadata"][METADATA]["applied"]
        return msgspec.convert(written, Applied, strict=False)
    except (LookupError, TypeError, *UNREADABLE) as error:
        raise Permanent(
            f"{name} holds no routes that Headgate wrote ({error}): move it away and deploy again"
        ) from None


def _switched(found: list[dict[str, Any]], applied: Applied) -> list[dict[str, Any]]:
    """The first route, which only the preview's header takes, needs no switch."""
    routing = applied.routing
    if not routing.exposed or routing.stable is None or not applied.effects:
        return found
    on = {
        "default_value": {"numerator": _PERCENT, "denominator": "HUNDRED"},
        "runtime_key": switch_of(applied),
    }
    switched = [{**route, "match": {**route["match"], "runtime_fraction": on}} for route in found[1:]]
    return [found[0], *switched, _route(_to(routing.stable))]


# --- which routes there are -----------------------------------------------------------------------------------------


def _routes(routing: Routing) -> Iterator[dict[str, Any]]:
    if routing.canary is not None:
        canary = _to(routing.canary)
        yield _route(canary, _exact(routing.listener.preview_header, "canary"))
        for match in routing.matches:
            yield _route(canary, _matcher(match))
    if _sets_cookie(routing):
        yield from _by_cookie(routing)
    elif _split(routing):
        yield _route(_weighted(routing) | _mirror(routing))
    elif routing.stable is None:
        yield from _unreleased(routing)
    else:
        arm = routing.canary if routing.canary is not None and routing.weight else routing.stable
        yield _route(_to(arm) | _mirror(routing))


def _by_cookie(routing: Routing) -> Iterator[dict[str, Any]]:
    """A client without the cookie gets one whose value is the name its arm was just chosen by.

    Envoy's own cookies (a hash policy with a ttl) come too late for that: they are made after the arm is chosen.
    """
    sticky = routing.sticky
    assert sticky is not None
    known = {"hash_policy": [{"cookie": {"name": sticky.name}}]}
    new = {"hash_policy": [{"header": {"header_name": CLIENT_HEADER}}]}
    name = sticky.name.replace("%", "%%")  # a value is a format
    cookie = f"{name}=%REQ({CLIENT_HEADER})%; Path=/; Max-Age={sticky.ttl_s}; HttpOnly; SameSite=Lax"
    header = {"header": {"key": "set-cookie", "value": cookie}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}
    action = _weighted(routing) | _mirror(routing)
    yield _route(action | known, _cookie(sticky.name, "[^;]+"))
    yield _route(action | new) | {"response_headers_to_add": [header]}


def _unreleased(routing: Routing) -> Iterator[dict[str, Any]]:
    """Without a stable version, whoever is not sent to the canary is answered 503."""
    if routing.canary is not None and routing.weight:
        share = {"default_value": {"numerator": routing.weight, "denominator": "HUNDRED"}}
        yield {"match": {**_ALL, "runtime_fraction": share}, "route": _to(routing.canary)}
    body = {"inline_string": "Nothing has been released here yet.\n"}
    yield {"match": _ALL, "direct_response": {"status": 503, "body": body}}


def _split(routing: Routing) -> bool:
    return routing.stable is not None and routing.canary is not None and 0 < routing.weight < _PERCENT


def _sets_cookie(routing: Routing) -> bool:
    return _split(routing) and routing.sticky is not None and routing.sticky.kind == "cookie"


# --- what a route is made of ----------------------------------------------------------------------------------------


def _route(action: dict[str, Any], *headers: dict[str, Any]) -> dict[str, Any]:
    match = {**_ALL, "headers": list(headers)} if headers else _ALL
    return {"match": match, "route": action}


def _below(path: PathLimits, route: dict[str, Any]) -> dict[str, Any]:
    """The same route for the requests of a path and below it, with its limits."""
    ends = path.prefix.endswith("/")
    where = {"prefix": path.prefix} if ends else {"path_separated_prefix": path.prefix}
    match = {key: value for key, value in route["match"].items() if key not in _ALL}
    limits = {
        "timeout": limit(path.limits.total_s),
        "idle_timeout": limit(path.limits.idle_s),
        "retry_policy": _once(path.limits),
    }
    return _limited({**route, "match": {**where, **match}}, limits)


def _limited(route: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    return {**route, "route": route["route"] | limits} if "route" in route else route


def _upgraded(route: dict[str, Any]) -> dict[str, Any]:
    """The same route for upgraded connections, which are never mirrored."""
    present = {"name": "upgrade", "present_match": True}
    match = {**route["match"], "headers": [*route["match"].get("headers", ()), present]}
    action = {key: value for key, value in route["route"].items() if key != _MIRRORS}
    return {**route, "match": match, "route": action}


def _to(version: Version) -> dict[str, Any]:
    return {"cluster": cluster_name(version)}


def _weighted(routing: Routing) -> dict[str, Any]:
    """The canary first, a fresh baseline last: a client's hash then stays on its side while the weight rises."""
    shares = (
        (routing.canary, routing.weight),
        (routing.stable, routing.stable_weight),
        (routing.fresh, routing.fresh_weight),
    )
    split = [
        {"name": cluster_name(version), "weight": weight} for version, weight in shares if version and weight
    ]
    clusters: dict[str, Any] = {"clusters": split}
    if routing.sticky is None:
        return {"weighted_clusters": clusters}
    action: dict[str, Any] = {"weighted_clusters": clusters | {"use_hash_policy": True}}
    if routing.sticky.kind == "header":
        action["hash_policy"] = [{"header": {"header_name": routing.sticky.name}}]
    return action


def _mirror(routing: Routing) -> dict[str, Any]:
    if routing.canary is None or not routing.mirror:
        return {}
    share = {"default_value": {"numerator": routing.mirror, "denominator": "HUNDRED"}}
    # Envoy would add "-shadow" to the host, which many services refuse.
    policy = {**_to(routing.canary), "runtime_fraction": share, "disable_shadow_host_suffix_append": True}
    return {_MIRRORS: [policy]}


def _once(limits: TimeLimits) -> dict[str, Any]:
    """No instance is sent a request that another one may have seen (decision 16).

    Another instance is chosen, once, only where no byte of the request has left (no connection, or one that closed
    first), or where an instance of HTTP/2 says itself that it did nothing (RFC 9113, section 8.7). What comes later is
    answered as it is, and is the version's error.
    """
    policy: dict[str, Any] = {
        "retry_on": "connect-failure,refused-stream,reset-before-request",
        "num_retries": 1,
        "retry_host_predicate": [
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": _PREVIOUS_HOSTS}}
        ],
        "host_selection_retry_max_attempts": 20,  # each picks at random: one of two is found for certain
    }
    # Envoy counts this from the end of the request, and forgets it once the answer has begun.
    answer_s = _patience(limits)
    return policy if answer_s is None else policy | {"per_try_timeout": seconds(answer_s)}


def _patience(limits: TimeLimits) -> float | None:
    """How long an answer may take to begin: Envoy charges nobody for `idle`, so an instance is given up before it."""
    if limits.idle_s is None:
        return limits.answer_s
    silence_s = limits.idle_s - min(1.0, limits.idle_s / 10)
    return silence_s if limits.answer_s is None else min(limits.answer_s, silence_s)


def _matcher(match: Match) -> dict[str, Any]:
    if match.kind == "header":
        return _exact(match.name, match.value)
    return _cookie(match.name, re.escape(match.value))


def _exact(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "string_match": {"exact": value}}


def _cookie(name: str, value: str) -> dict[str, Any]:
    """A request with this cookie; `value` is a regular expression."""
    regex = rf"(?:.*;\s*)?{re.escape(name)}={value}\s*(?:;.*)?"
    return {"name": "cookie", "string_match": {"safe_regex": {"regex": regex}}}
