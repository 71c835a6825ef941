"""Barriers: what keeps older versions out, and how a person lifts one that has outlived its release."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

import msgspec

from headgate.core.home.facts import BarrierLifted
from headgate.core.home.identity import is_theirs
from headgate.core.legality.barrier import Barrier, barriers
from headgate.core.model import Unit, Version
from headgate.ledger import Ledger
from headgate.ledger.projections import ALL_RELEASES
from headgate.web.doors.tokens import HomeBook
from headgate.web.http.endpoint import Call, Endpoint, Reply, forbidden
from headgate.web.http.problems import Problem, malformed, unknown

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class BarrierState(msgspec.Struct, frozen=True):
    """A barrier that stands: nothing older than `oldest` may run of `unit` since `at` (seconds since the epoch).

    `under_way`: its release has not ended, and `POST /v1/releases/{release}/lift` lifts it.
    """

    unit: Unit
    release: str
    reason: str
    at: float
    oldest: Version
    under_way: bool
    sentence: str


class Barriers(msgspec.Struct, frozen=True):
    """All that stand, the newest first."""

    barriers: list[BarrierState]


class Lifting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why older versions may run again; of these `services` of the release only, or of all."""

    reason: Reason
    services: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()


class BarrierKeeping:
    """The endpoints for barriers."""

    def __init__(self, book: HomeBook, ledger: Ledger, now: Callable[[], float] = time.time) -> None:
        self._book = book
        self._ledger = ledger
        self._now = now

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Both of them."""
        return (
            Endpoint(
                "GET",
                "/v1/barriers",
                "listBarriers",
                "Barriers that stand, newest first: what keeps older versions out",
                self._list,
                Barriers,
                "barriers",
            ),
            Endpoint(
                "POST",
                "/v1/barriers/{release}/lift",
                "liftBarrier",
                "Lift the barriers that a release left behind; a reason is demanded",
                self.lift,
                Barriers,
                "barriers",
                permission="approve",
                body=Lifting,
                problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
                keyed=True,
            ),
        )

    def _in_force(self) -> tuple[Barrier, ...]:
        return barriers(self._ledger.summaries(limit=ALL_RELEASES), self._book.home)

    async def _list(self, call: Call) -> Reply:
        """The barriers in environments that the caller may read."""
        found = [one for one in self._in_force() if call.who.may("read", one.unit.environment)]
        return Reply(Barriers([_state(one) for one in found]))

    async def lift(self, call: Call) -> Reply:
        """Lift what the release that the path names left behind. Raises Problem."""
        release, asked = call.params["release"], call.body
        summary = self._ledger.summary(release)
        if summary is None:
            raise unknown("release", release)
        call.demand("approve", summary.environment)
        own = call.who.door != "socket" and is_theirs(self._book.home, call.who.names, summary.author)
        if own:
            title = forbidden(call.who, "approve").document.title
            detail = f"{call.who.name} asked for {release}: somebody else must lift its barrier"
            raise Problem(HTTPStatus.FORBIDDEN, title, detail)
        if not asked.reason.strip():
            raise malformed("a barrier is lifted with a reason", "body.reason")
        found = [
            one
            for one in self._in_force()
            if one.release == release and (not asked.services or one.unit.service in asked.services)
        ]
        if not found:
            raise Problem(HTTPStatus.CONFLICT, "not possible now", f"no barrier of {release} stands there")
        if any(one.under_way for one in found):
            detail = f"{release} is under way: `POST /v1/releases/{release}/lift` lifts its barrier"
            raise Problem(HTTPStatus.CONFLICT, "not possible now", detail)
        for unit in dict.fromkeys(one.unit for one in found):
            await self._book.note(
                BarrierLifted(
                    at=self._now(), by=call.who.name, unit=unit, release=release, reason=asked.reason
                )
            )
        return Reply(Barriers([_state(one) for one in found]))


def _state(barrier: Barrier) -> BarrierState:
    return BarrierState(
        barrier.unit,
        barrier.release,
        barrier.reason,
        barrier.at,
        barrier.oldest,
        barrier.under_way,
        barrier.sentence(),
    )
