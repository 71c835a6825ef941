"""What happens in a home beside its releases: who may do what, what was refused to whom, and when nothing may change.

A fold of home events, as a release's state is a fold of its own: see `folded`.
"""

from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec
from msgspec.structs import replace

from headgate.core.model import Firing, Head, HookAction, Push, Severity, Unit, Vendor

K = TypeVar("K")
V = TypeVar("V")

SEEN_MAX = 2000
"""So many names and digests of deliveries are known of each hook: those of its last thousand, at least."""

FIRING_MAX = 1000
HEADS_MAX = 50

AccessRole = Literal["viewer", "operator", "approver", "admin"]
"""Reads; also moves releases; also approves and overrides, but never their own; also gives out access."""


class HomeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about the home. `at` is in seconds since the epoch, `by` who did it (a token's name, a person)."""

    at: float
    by: str


class TokenIssued(HomeEvent, frozen=True, kw_only=True, tag=True):
    """A token was given out. `digest` is the SHA-256 (hex) of the secret, which is kept nowhere.

    `environments` empty: all. `expires_at` None: never. `person` is whose it is, where its name says something else.
    """

    token: str
    name: str
    digest: str
    role: AccessRole
    environments: tuple[str, ...] = ()
    expires_at: float | None = None
    person: str = ""


class TokenRevoked(HomeEvent, frozen=True, kw_only=True, tag=True):
    """A token is worth nothing any more."""

    token: str
    reason: str = ""


class SignedIn(HomeEvent, frozen=True, kw_only=True, tag=True):
    """Somebody began a session in the browser. `how` is `token` or the issuer that vouched for them.

    `subject` is who they are to that issuer, whatever they are called: never another's, and never a new one.
    """

    how: str
    role: AccessRole
    subject: str = ""


class ActionDenied(HomeEvent, frozen=True, kw_only=True, tag=True):
    """Somebody may not do what they asked for. `action` is the verb, `target` what it was about."""

    action: str
    target: str
    reason: str


class FreezeSet(HomeEvent, frozen=True, kw_only=True, tag=True):
    """From `begins_at` until `ends_at` (None: until it is lifted) nothing new may begin here.

    `projects`, `environments` and `services` say where; an empty one means all of them.
    """

    freeze: str
    reason: str
    begins_at: float
    ends_at: float | None = None
    projects: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


class FreezeLifted(HomeEvent, frozen=True, kw_only=True, tag=True):
    """A freeze is over before its time."""

    freeze: str
    reason: str = ""


class BarrierLifted(HomeEvent, frozen=True, kw_only=True, tag=True):
    """Versions from before `release` may run again of `unit`, because a person says so; the reason is not optional."""

    unit: Unit
    release: str
    reason: str


class HookAdded(HomeEvent, frozen=True, kw_only=True, tag=True):
    """Another system may send its news here. `digest` is the SHA-256 (hex) of the secret that it proves itself by.

    What it does, it does in `environments` only; `projects` and `services` narrow them, empty: all.
    """

    hook: str
    vendor: Vendor
    does: HookAction
    digest: str
    environments: tuple[str, ...]
    projects: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    severity: Severity = "critical"


class HookRemoved(HomeEvent, frozen=True, kw_only=True, tag=True):
    """Nothing is taken from there any more."""

    hook: str


class HookReceived(HomeEvent, frozen=True, kw_only=True, tag=True):
    """A delivery that proved itself, written down after what it led to (`did`, in sentences).

    `delivery` is the name that its sender gave it, `digest` the SHA-256 (hex) of its body; both tell it when it comes
    again. `fired` are the alerts that began with it, `resolved` the keys of those that ended.
    """

    hook: str
    event: str
    digest: str
    delivery: str = ""
    did: tuple[str, ...] = ()
    fired: tuple[Firing, ...] = ()
    resolved: tuple[str, ...] = ()
    pushes: tuple[Push, ...] = ()


class HomeAdopted(HomeEvent, frozen=True, kw_only=True, tag=True):
    """The home belongs to another place from now on: it was moved there, or is a copy. `before` is where it was."""

    before: str
    path: str
    epoch: int


class LedgerReconciled(HomeEvent, frozen=True, kw_only=True, tag=True):
    """The ledger counts although the world is ahead of it: what the world did as `releases` is nothing of it."""

    reason: str
    releases: tuple[str, ...]


class UnitRetired(HomeEvent, frozen=True, kw_only=True, tag=True):
    """A unit is no longer wanted: what `release` had promoted gets no more traffic, and is stopped.

    A later release of the unit brings it back, as a first one.
    """

    unit: Unit
    release: str
    reason: str = ""


AnyHomeEvent = (
    TokenIssued
    | TokenRevoked
    | SignedIn
    | ActionDenied
    | FreezeSet
    | FreezeLifted
    | BarrierLifted
    | HookAdded
    | HookRemoved
    | HookReceived
    | HomeAdopted
    | LedgerReconciled
    | UnitRetired
)


class Freeze(msgspec.Struct, frozen=True):
    """A freeze as it stands; `lifted_at` None: it was not lifted."""

    set: FreezeSet
    lifted_at: float | None = None

    def holds(self, unit: Unit, at: float) -> bool:
        """Whether `unit` must not change at this time."""
        return self.active(at) and all(
            not names or name in names
            for names, name in (
                (self.set.projects, unit.project),
                (self.set.environments, unit.environment),
                (self.set.services, unit.service),
            )
        )

    def active(self, at: float) -> bool:
        """Whether it is in force at this time."""
        ends = min(
            (end for end in (self.set.ends_at, self.lifted_at) if end is not None), default=float("inf")
        )
        return self.set.begins_at <= at < ends


class Token(msgspec.Struct, frozen=True):
    """A token as it stands; `revoked_at` None: it was not revoked."""

    issued: TokenIssued
    revoked_at: float | None = None

    def good(self, at: float) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and (self.issued.expires_at is None or at < self.issued.expires_at)


class Hook(msgspec.Struct, frozen=True):
    """A hook as it stands: what it `seen` lately, which alerts fire, and the `heads` of branches and tags.

    Bounded: SEEN_MAX, FIRING_MAX, HEADS_MAX; the oldest are forgotten.
    """

    added: HookAdded
    received: int = 0
    last_at: float | None = None
    seen: tuple[str, ...] = ()
    firing: dict[str, Firing] = {}
    heads: dict[tuple[str, str, str], Head] = {}

    def knows(self, delivery: str, digest: str) -> bool:
        """Whether this delivery, or this body under another name, came before."""
        return digest in self.seen or (delivery != "" and delivery in self.seen)


class Home(msgspec.Struct, frozen=True):
    """What holds in a home after its first `number` events: its tokens, freezes and hooks by their names.

    `called` holds the names that somebody signed in under, by their issuer and who they are to it; `reconciled` the
    releases that the world has done and this ledger never did; `lifted` the barriers that are over, by unit and
    release.
    """

    number: int = 0
    tokens: dict[str, Token] = {}
    freezes: dict[str, Freeze] = {}
    hooks: dict[str, Hook] = {}
    called: dict[tuple[str, str], tuple[str, ...]] = {}
    reconciled: frozenset[str] = frozenset()
    lifted: frozenset[tuple[Unit, str]] = frozenset()


def after(home: Home, event: AnyHomeEvent) -> Home:
    """The home after one more event. What names a token or a freeze that is not there changes nothing."""
    home = replace(home, number=home.number + 1)
    match event:
        case TokenIssued():
            return replace(home, tokens=home.tokens | {event.token: Token(event)})
        case TokenRevoked() if event.token in home.tokens:
            revoked = replace(home.tokens[event.token], revoked_at=event.at)
            return replace(home, tokens=home.tokens | {event.token: revoked})
        case FreezeSet():
            return replace(home, freezes=home.freezes | {event.freeze: Freeze(event)})
        case FreezeLifted() if event.freeze in home.freezes:
            lifted = replace(home.freezes[event.freeze], lifted_at=event.at)
            return replace(home, freezes=home.freezes | {event.freeze: lifted})
        case HookAdded() | HookRemoved() | HookReceived():
            return replace(home, hooks=_hooked(home.hooks, event))
        case SignedIn() if event.subject:
            return _known_as(home, (event.how, event.subject), event.by)
        case LedgerReconciled():
            home = replace(home, reconciled=home.reconciled | frozenset(event.releases))
        case BarrierLifted():
            home = replace(home, lifted=home.lifted | {(event.unit, event.release)})
        case _:
            pass
    return home


def retirements(events: Iterable[AnyHomeEvent]) -> dict[Unit, str]:
    """The release that each unit ran when it was retired last, given the facts of the home in their order.

    A retirement stands until another release than this one has promoted the unit.
    """
    return {event.unit: event.release for event in events if isinstance(event, UnitRetired)}


def _known_as(home: Home, person: tuple[str, str], name: str) -> Home:
    known = home.called.get(person, ())
    return home if name in known else replace(home, called=home.called | {person: (*known, name)})


def _hooked(hooks: dict[str, Hook], event: HookAdded | HookRemoved | HookReceived) -> dict[str, Hook]:
    match event:
        case HookAdded():
            return hooks | {event.hook: Hook(event)}
        case HookReceived() if event.hook in hooks:
            return hooks | {event.hook: _heard(hooks[event.hook], event)}
        case HookReceived():
            return hooks
        case HookRemoved():
            return {name: hook for name, hook in hooks.items() if name != event.hook}


def _heard(hook: Hook, event: HookReceived) -> Hook:
    names = [name for name in (event.delivery, event.digest) if name]
    firing = {key: one for key, one in hook.firing.items() if key not in event.resolved}
    heads = dict(hook.heads)
    for push in event.pushes:
        if push.kind == "merge":
            continue  # what it left on the branch comes as a push of its own
        place = (push.repository, push.kind, push.ref)
        heads.pop(place, None)
        if push.commit:
            heads[place] = Head(push, event.at)
    return replace(
        hook,
        received=hook.received + 1,
        last_at=event.at,
        seen=(*hook.seen, *names)[-SEEN_MAX:],
        firing=_newest(firing | {one.key: one for one in event.fired}, FIRING_MAX),
        heads=_newest(heads, HEADS_MAX),
    )


def _newest(found: dict[K, V], most: int) -> dict[K, V]:
    return dict(list(found.items())[-most:])


def folded(events: Iterable[AnyHomeEvent], home: Home | None = None) -> Home:
    """The home after all of these, beginning with `home` (by default an empty one)."""
    home = home or Home()
    for event in events:
        home = after(home, event)
    return home


def frozen(home: Home, units: Iterable[Unit], at: float) -> dict[Unit, str]:
    """Which of these must not change at this time, and by which freeze."""
    found: dict[Unit, str] = {}
    for unit in units:
        freeze = next((one for one in home.freezes.values() if one.holds(unit, at)), None)
        if freeze is not None:
            found[unit] = f"{freeze.set.freeze}, by {freeze.set.by}: {freeze.set.reason}"
    return found
