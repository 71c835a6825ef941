"""What a hook's news lead to: pure decisions over what the hook knows already."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from headgate.core.home.facts import FreezeSet, Hook, HookAdded
from headgate.core.machine.state import Stage
from headgate.core.model import Firing, Scope, Severity
from headgate.core.model.summary import Summary

SCOPES_MAX = 20
"""Alerts of one delivery that name more places than this are taken to be about all of the hook's."""

NAMED_MAX = 3
"""So many alerts are named in a reason."""

RANKS: dict[str, int] = {
    "none": 0,
    "info": 1,
    "warning": 2,
    "ticket": 2,
    "error": 3,
    "critical": 3,
    "page": 3,
    "emergency": 3,
}
"""What the label `severity` usually says; `ticket` and `page` are Headgate's own alerts (`headgate alerts`)."""

STEERED: tuple[Stage, ...] = ("queued", "checking", "forward")
"""Where a release can still be told to stop or to go back. What goes back already, or has an outcome, is left alone."""


class Alert(msgspec.Struct, frozen=True):
    """An alert as it was delivered, with the labels that matter here."""

    key: str
    name: str
    firing: bool
    severity: str = ""
    scope: Scope = Scope()


class HookDecision(msgspec.Struct, frozen=True):
    """`fired` are the alerts that are new and concern the hook, `resolved` the keys of those that are over.

    `begin` holds, by place, why something is to be done there now; in the places of `end` nothing fires any more.
    """

    fired: tuple[Firing, ...] = ()
    resolved: tuple[str, ...] = ()
    begin: dict[Scope, str] = {}
    end: tuple[Scope, ...] = ()
    passed_over: int = 0


def decide(hook: Hook, alerts: Iterable[Alert]) -> HookDecision:
    """What is new in these alerts. One that was told of before, and fires yet, leads to nothing again."""
    known = {alert.key: alert for alert in alerts}
    concerned = [alert for alert in known.values() if alert.firing and _concerns(hook.added, alert)]
    fired = _bounded([_firing(alert) for alert in concerned if alert.key not in hook.firing])
    resolved = tuple(key for key, alert in known.items() if not alert.firing and key in hook.firing)
    left = {one.scope for key, one in hook.firing.items() if key not in resolved} | {
        one.scope for one in fired
    }
    return HookDecision(
        fired=fired,
        resolved=resolved,
        begin={scope: _reason(fired, scope) for scope in dict.fromkeys(one.scope for one in fired)},
        end=tuple(sorted({hook.firing[key].scope for key in resolved} - left)),
        passed_over=sum(alert.firing for alert in known.values()) - len(concerned),
    )


def at_least(severity: str, declared: Severity) -> bool:
    """Whether a label is as severe as declared, or more. A word that nobody knows is not."""
    return RANKS.get(severity.lower(), -1) >= RANKS[declared]


def moves(added: HookAdded, scope: Scope, summary: Summary) -> bool:
    """Whether a release moves something there."""
    place = where(added, scope)
    services = {move.unit.service for move in summary.moves}
    return (
        summary.environment in place.environments
        and (not place.projects or summary.project in place.projects)
        and (not place.services or not services.isdisjoint(place.services))
    )


class Where(msgspec.Struct, frozen=True):
    """A place as a freeze names it; projects or services empty: all of them."""

    environments: tuple[str, ...]
    projects: tuple[str, ...]
    services: tuple[str, ...]


def where(added: HookAdded, scope: Scope) -> Where:
    """The place that an alert's labels name, and the hook's own where they name none."""
    return Where(
        (scope.environment,) if scope.environment else added.environments,
        (scope.project,) if scope.project else added.projects,
        (scope.service,) if scope.service else added.services,
    )


def own(frozen: FreezeSet, added: HookAdded) -> bool:
    """Whether the hook set this freeze."""
    return frozen.by == author(added.hook)


def holds(frozen: FreezeSet, place: Where) -> bool:
    """Whether a freeze is one of exactly this place."""
    return Where(frozen.environments, frozen.projects, frozen.services) == place


def author(hook: str) -> str:
    """In which name a hook acts."""
    return f"hook {hook}"


def _concerns(added: HookAdded, alert: Alert) -> bool:
    scope = alert.scope
    return at_least(alert.severity, added.severity) and all(
        not name or not names or name in names
        for name, names in (
            (scope.environment, added.environments),
            (scope.project, added.projects),
            (scope.service, added.services),
        )
    )


def _firing(alert: Alert) -> Firing:
    return Firing(alert.key, alert.name, alert.scope)


def _bounded(fired: Sequence[Firing]) -> tuple[Firing, ...]:
    if len({one.scope for one in fired}) > SCOPES_MAX:
        return tuple(replace(one, scope=Scope()) for one in fired)
    return tuple(fired)


def _reason(fired: Sequence[Firing], scope: Scope) -> str:
    names = list(dict.fromkeys(one.name for one in fired if one.scope == scope))
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return f"alert{'s' if len(names) > 1 else ''} {', '.join(names[:NAMED_MAX])}{more}"
