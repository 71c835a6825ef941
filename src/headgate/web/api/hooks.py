"""Hooks: which other systems may send their news here, and what these lead to."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

import msgspec

from headgate.core.home.facts import FreezeLifted, Hook, HookAdded, HookRemoved
from headgate.core.home.hooks import own
from headgate.core.model import HookAction, Severity, Vendor
from headgate.web.api.home import Names
from headgate.web.doors.tokens import HomeBook
from headgate.web.hooks.vault import Vault, digest_of, new_secret
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import Problem, malformed, unknown
from headgate.web.http.who import Who

HOOKS_MAX = 100
PATH = "/v1/hooks/{hook}"

HookName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
Environments = Annotated[Names, msgspec.Meta(min_length=1)]


class NewHook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hook to be added: what another system may send, and the environments where it counts.

    `does` says what an alert of this `severity`, or a worse one, leads to; left out, `pause`. A Git host's news are
    noted.
    """

    name: HookName
    vendor: Vendor
    environments: Environments
    projects: Names = ()
    services: Names = ()
    does: HookAction | None = None
    severity: Severity = "critical"


class HookState(msgspec.Struct, frozen=True):
    """A hook, without its secret. `firing` are the alerts that fire; `trouble` says why nothing can prove itself."""

    hook: str
    vendor: Vendor
    does: HookAction
    severity: Severity
    environments: tuple[str, ...]
    projects: tuple[str, ...]
    services: tuple[str, ...]
    by: str
    added_at: float
    received: int
    last_at: float | None
    firing: list[str]
    trouble: str = ""


class HookStates(msgspec.Struct, frozen=True):
    """All of them, by name."""

    hooks: list[HookState]


class HookMade(msgspec.Struct, frozen=True):
    """A new hook: where deliveries go, and the `secret` that proves them, shown this once."""

    hook: str
    path: str
    secret: str


class HookKeeping:
    """The endpoints that declare hooks."""

    def __init__(self, book: HomeBook, vault: Vault, now: Callable[[], float] = time.time) -> None:
        self._book = book
        self._vault = vault
        self._now = now

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        return (
            Endpoint(
                "GET",
                "/v1/hooks",
                "listHooks",
                "Hooks, without their secrets",
                self._list,
                HookStates,
                "hooks",
                permission="administer",
            ),
            Endpoint(
                "POST",
                "/v1/hooks",
                "addHook",
                "Let another system send its news; its secret is shown this once",
                self._add,
                HookMade,
                "hooks",
                permission="administer",
                body=NewHook,
                status=HTTPStatus.CREATED,
                problems=(HTTPStatus.CONFLICT,),
            ),
            Endpoint(
                "DELETE",
                PATH,
                "removeHook",
                "Take nothing from there any more, and lift what it froze",
                self._remove,
                HookState,
                "hooks",
                permission="administer",
                problems=(HTTPStatus.NOT_FOUND,),
            ),
        )

    async def _list(self, call: Call) -> Reply:
        """The hooks that the caller may see: all of those whose scope lies within the caller's own."""
        hooks = self._book.home.hooks
        return Reply(
            HookStates([self._state(hooks[name]) for name in sorted(hooks) if _within(call.who, hooks[name])])
        )

    async def _add(self, call: Call) -> Reply:
        asked: NewHook = call.body
        for environment in asked.environments:
            call.demand("administer", environment)
        does = asked.does or ("pause" if asked.vendor == "alertmanager" else "note")
        if asked.vendor != "alertmanager" and does != "note":
            raise malformed(f"what {asked.vendor} sends is noted, and leads to nothing else", "body.does")
        hooks = self._book.home.hooks
        if asked.name in hooks:
            raise Problem(
                HTTPStatus.CONFLICT,
                "not possible now",
                f"there is a hook {asked.name} already: remove it first",
            )
        if len(hooks) >= HOOKS_MAX:
            raise Problem(HTTPStatus.CONFLICT, "too many hooks", f"there are {HOOKS_MAX}: remove some")
        secret = new_secret()
        self._keep(asked, secret)
        event = HookAdded(
            at=self._now(),
            by=call.who.name,
            hook=asked.name,
            vendor=asked.vendor,
            does=does,
            digest=digest_of(secret),
            environments=asked.environments,
            projects=asked.projects,
            services=asked.services,
            severity=asked.severity,
        )
        await self._book.note(event)
        path = PATH.format(hook=asked.name)
        return Reply(HookMade(asked.name, path, secret), headers={"cache-control": "no-store"})

    def _keep(self, asked: NewHook, secret: str) -> None:
        """Before it is declared: a secret without a hook opens nothing, and a hook without its secret hears nothing."""
        if asked.vendor == "alertmanager":
            return  # its credentials are compared by their digest
        try:
            self._vault.put(asked.name, secret)
        except OSError as error:
            why = f"the secret cannot be kept in the home: {error.strerror}"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the home is in trouble", why) from error

    async def _remove(self, call: Call) -> Reply:
        name = call.params["hook"]
        hook = self._book.home.hooks.get(name)
        if hook is None:
            raise unknown("hook", name)
        for environment in hook.added.environments:
            call.demand("administer", environment)
        state, now = self._state(hook), self._now()
        await self._book.note(HookRemoved(at=now, by=call.who.name, hook=name))
        for freeze, held in self._book.home.freezes.items():
            if own(held.set, hook.added) and held.active(now):
                why = f"the hook {name} is removed"
                await self._book.note(FreezeLifted(at=now, by=call.who.name, freeze=freeze, reason=why))
        self._vault.drop(name)
        return Reply(state)

    def _state(self, hook: Hook) -> HookState:
        added = hook.added
        lost = added.vendor != "alertmanager" and not self._vault.get(added.hook, added.digest)
        return HookState(
            hook=added.hook,
            vendor=added.vendor,
            does=added.does,
            severity=added.severity,
            environments=added.environments,
            projects=added.projects,
            services=added.services,
            by=added.by,
            added_at=added.at,
            received=hook.received,
            last_at=hook.last_at,
            firing=[one.name for one in hook.firing.values()],
            trouble="its secret is not in the home any more: remove it, and add it anew" if lost else "",
        )


def _within(who: Who, hook: Hook) -> bool:
    return all(who.may("administer", one) for one in hook.added.environments)
