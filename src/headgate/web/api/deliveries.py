"""Deliveries from other systems: each is proven first, then read, then acted on, then written down.

It is written down last. What broke off before that is delivered again, and then does what is left of it: nothing that
a hook does is done twice. What was written down already is answered 200, so that nobody tries again, and does nothing.
"""

import asyncio
from http import HTTPStatus
from weakref import WeakValueDictionary

import msgspec

from headgate.core.home.facts import Hook, HookReceived
from headgate.core.home.hooks import HookDecision, author, decide
from headgate.core.model import Push
from headgate.web.api.hooks import PATH
from headgate.web.api.reactions import Reactions
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.limits import DELIVERIES, Limiter
from headgate.web.hooks import alerts, git, proofs
from headgate.web.hooks.news import Bodies, News, content, later
from headgate.web.hooks.proofs import Sent, proven
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.problems import Problem

DO_MAX_S = 8.0
"""Git hosts wait ten seconds for an answer."""


class Delivered(msgspec.Struct, frozen=True):
    """The result of a delivery, in sentences. `replayed`: it came before, and led to nothing again."""

    hook: str
    event: str
    did: tuple[str, ...]
    replayed: bool = False


class Deliveries:
    """The endpoint for what hooks send."""

    def __init__(self, door: FrontDoor, reactions: Reactions) -> None:
        self._door = door
        self._reactions = reactions
        self._rates = Limiter(DELIVERIES)
        self._bodies = Bodies()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The one."""
        return (
            Endpoint(
                "POST",
                PATH,
                "deliver",
                "News of another system, proven by the hook's secret",
                self._receive,
                Delivered,
                "hooks",
                headers=proofs.PROOFS,
                signed=True,
            ),
        )

    async def _receive(self, call: Call) -> Reply:
        name, sent = (
            call.params["hook"],
            Sent(call.headers, await self._bodies.receive(call.address, call.read)),
        )
        hook = await self._sender(call, name, sent)
        self._count(name)
        news = _news(hook, sent)
        turn = self._turns.setdefault(name, asyncio.Lock())
        try:
            async with asyncio.timeout(DO_MAX_S), turn:
                return Reply(await self._take(name, sent, news))
        except TimeoutError as error:
            raise later("it is not done yet", f"it took longer than {DO_MAX_S:g} s: send it again") from error

    async def _sender(self, call: Call, name: str, sent: Sent) -> Hook:
        """The hook that sends. Raises Problem: the same one, after the same work, for a hook that is not there."""
        hook = self._door.book.home.hooks.get(name)
        added = hook.added if hook else None
        secret = self._door.vault.get(name, added.digest if added else "")
        good = proven(added, secret, sent, self._door.now())
        if hook is not None and good:
            return hook
        why = "the delivery does not prove who sends it: check the hook's name and its secret"
        await self._door.unproven(call.address, f"/v1/hooks/{name[:50]}", why)
        raise Problem(HTTPStatus.FORBIDDEN, "not proven", why)

    def _count(self, name: str) -> None:
        wait_s = self._rates.wait_s(name, self._door.now())
        if wait_s:
            problem = Problem(
                HTTPStatus.TOO_MANY_REQUESTS, "too many deliveries", f"try again in {wait_s:g} s"
            )
            problem.headers["retry-after"] = f"{wait_s:g}"
            raise problem

    async def _take(self, name: str, sent: Sent, news: News) -> Delivered:
        hook = self._door.book.home.hooks.get(name)
        if hook is None:
            return Delivered(name, news.event, ("the hook was removed meanwhile",))
        delivery = sent.first(proofs.DELIVERIES[hook.added.vendor])
        if hook.knows(delivery, sent.digest):
            return Delivered(name, news.event, (), replayed=True)
        decision, at = decide(hook, news.alerts or ()), self._door.now()
        if not (decision.fired or decision.resolved or news.pushes):
            return Delivered(name, news.event, _passed_over(news, decision))
        did = (*await self._reactions.do(hook, decision, at), *(_told(push) for push in news.pushes))
        received = HookReceived(
            at=at,
            by=author(name),
            hook=name,
            event=news.event,
            digest=sent.digest,
            delivery=delivery,
            did=did,
            fired=decision.fired,
            resolved=decision.resolved,
            pushes=news.pushes,
        )
        await self._door.book.note(received)
        return Delivered(name, news.event, did)


def _news(hook: Hook, sent: Sent) -> News:
    """Raises Problem: 415, 422."""
    vendor = hook.added.vendor
    body = content(sent.headers.get("content-type", ""), sent.body)
    if vendor == "alertmanager":
        return alerts.read(body)
    return git.read(vendor, sent.first(proofs.EVENTS[vendor]), body)


def _passed_over(news: News, decision: HookDecision) -> tuple[str, ...]:
    if news.alerts is None:
        return ("nothing is made of this",)
    return (f"nothing is new here; {decision.passed_over} alerts do not concern this hook",)


def _told(push: Push) -> str:
    if push.kind == "merge":
        return f"noted: merged into {push.ref} of {push.repository}"
    where = f"at {push.commit[:12]}" if push.commit else "gone"
    return f"noted: {push.kind} {push.ref} of {push.repository} is {where}"
