"""The reactions to a delivery: what a hook does, by the API's own code, in its name and its environments only."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from headgate.core.home.facts import AccessRole, Hook
from headgate.core.home.hooks import STEERED, HookDecision, Where, author, holds, moves, own, where
from headgate.core.model import Scope
from headgate.ledger import Ledger
from headgate.web.api.folds import Folds
from headgate.web.api.home import HomeKeeping, NewFreeze
from headgate.web.api.steering import Reason, Steering
from headgate.web.http.endpoint import Call, Reply
from headgate.web.http.problems import Problem
from headgate.web.http.who import Who

OPEN_MAX = 1000
"""So many releases under way are looked through."""


class Reactions:
    """Does what was decided. Doing it again does nothing: whoever broke off in the middle may begin anew."""

    def __init__(self, steering: Steering, keeping: HomeKeeping, ledger: Ledger, folds: Folds) -> None:
        self._steering = steering
        self._keeping = keeping
        self._ledger = ledger
        self._folds = folds

    async def do(self, hook: Hook, decision: HookDecision, at: float) -> tuple[str, ...]:
        """React to a delivery; returns what was done, in sentences. Raises Problem (503) where no controller acts."""
        match hook.added.does:
            case "pause" | "abort" as verb:
                return await self._tell(hook, decision.begin, verb)
            case "freeze":
                return await self._freeze(hook, decision, at)
            case "note":
                return tuple(f"noted: {reason}" for reason in decision.begin.values())

    async def _tell(self, hook: Hook, begin: dict[Scope, str], verb: str) -> tuple[str, ...]:
        reasons: dict[str, str] = {}
        for summary in self._ledger.summaries(open_only=True, limit=OPEN_MAX):
            reason = next((why for scope, why in begin.items() if moves(hook.added, scope, summary)), "")
            if reason and self._folds.fold(summary.release).state.stage in STEERED:
                await self._require_running(summary.release)
                reasons[summary.release] = reason
        if begin and not reasons:
            return ("nothing is under way there",)
        return tuple([await self._act(hook, release, verb, why) for release, why in reasons.items()])

    async def _require_running(self, release: str) -> None:
        """Raises Problem: 503, so that it is delivered again to the controller that runs the release."""
        if not await self._steering.runs(release):
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "the controller is stopping", f"it does not run {release}"
            )

    async def _act(self, hook: Hook, release: str, verb: str, why: str) -> str:
        call = _call(hook, "operator", {"release": release}, Reason(reason=why))
        refused = await _refused(lambda: self._steering.tell(call, verb))
        return f"{verb} {release}: {refused or why}"

    async def _freeze(self, hook: Hook, decision: HookDecision, at: float) -> tuple[str, ...]:
        told: list[str] = []
        for scope, why in decision.begin.items():
            place = where(hook.added, scope)
            if not self._frozen(hook, place, at):
                told.append(await self._set(hook, place, why))
        for scope in decision.end:
            told += [
                await self._lift(hook, freeze) for freeze in self._frozen(hook, where(hook.added, scope), at)
            ]
        return tuple(told)

    async def _set(self, hook: Hook, place: Where, why: str) -> str:
        wanted = NewFreeze(why, None, None, place.projects, place.environments, place.services)
        call = _call(hook, "operator", {}, wanted)
        refused = await _refused(lambda: self._keeping.set_freeze(call))
        return f"freeze {', '.join(place.environments)}: {refused or why}"

    async def _lift(self, hook: Hook, freeze: str) -> str:
        call = _call(hook, "approver", {"freeze": freeze}, None)
        refused = await _refused(lambda: self._keeping.lift(call))
        return f"lift {freeze}: {refused or 'nothing fires there any more'}"

    def _frozen(self, hook: Hook, place: Where, at: float) -> list[str]:
        """The hook's own freezes of exactly this place."""
        return [
            name
            for name, freeze in self._keeping.home.freezes.items()
            if own(freeze.set, hook.added) and holds(freeze.set, place) and freeze.active(at)
        ]


def _call(hook: Hook, role: AccessRole, params: dict[str, str], body: object) -> Call:
    who = Who(author(hook.added.hook), role, "hook", hook.added.environments)
    return Call(who, params, None, body)


async def _refused(act: Callable[[], Awaitable[Reply]]) -> str:
    """Why it is not possible; empty: it is done. Raises Problem for what may be possible later."""
    try:
        await act()
    except Problem as problem:
        if problem.document.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return f"not possible: {problem.document.detail}"
    return ""
