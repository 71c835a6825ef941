"""Records of a release: verdicts, findings, what people said; and the ledger as a whole."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec

from headgate.core.machine.events import (
    GatesAnswered,
    Judged,
    PromotionForced,
    ReleaseAborted,
    ReleaseDequeued,
    ReleasePaused,
    ReleaseRequested,
    ReleaseResumed,
    SmokeTested,
    StepApproved,
    VersionVerified,
    WayBackOpened,
)
from headgate.core.model import Finding, Sample, Verdict
from headgate.ledger import Entry, Ledger, Note
from headgate.ledger.chain import GENESIS
from headgate.web.api.folds import Folds
from headgate.web.api.reading import After, Events, summary_of
from headgate.web.doors.tokens import HomeBook
from headgate.web.http.endpoint import Call, Endpoint, Reply

SCANS_MAX = 20
"""How many pages of entries are looked at for one page of those that somebody bound to some environments may read."""

Origin = Literal["rules", "gates", "smoke", "verification"]
Said = Literal["approve", "pause", "resume", "promote", "abort", "lift"]
_SAID: dict[type, Said] = {
    StepApproved: "approve",
    ReleasePaused: "pause",
    ReleaseResumed: "resume",
    PromotionForced: "promote",
    ReleaseAborted: "abort",
    WayBackOpened: "lift",
}


class Judgement(msgspec.Struct, frozen=True):
    """A verdict on one interval, `number` in its release. `requests` and `errors` are (stable, canary).

    `sample` is the SHA-256 of what it was judged by: `measured`, None where that was compacted or is not asked for.
    """

    number: int
    at: float
    verdict: Verdict
    requests: tuple[int, int]
    errors: tuple[int, int]
    deadline: bool
    sample: str
    measured: Sample | None = None


class Judgements(msgspec.Struct, frozen=True):
    """Verdicts, in order. `next` is the place to ask on from; None: there is no more now."""

    verdicts: list[Judgement]
    next: int | None = None


class VerdictsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Verdicts after this number of an event; with `samples`, what each was judged by."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    samples: bool = False


class Found(msgspec.Struct, frozen=True):
    """A finding, and who found it: the rules of the house, a gate, a smoke test, or the proof after going back."""

    number: int
    at: float
    origin: Origin
    finding: Finding


class Findings(msgspec.Struct, frozen=True):
    """All of them, in order."""

    findings: list[Found]


class Remark(msgspec.Struct, frozen=True):
    """A remark: what a person said to the release."""

    number: int
    at: float
    said: Said
    by: str
    reason: str


class Remarks(msgspec.Struct, frozen=True):
    """All of them, in order; `waits_for_approval`: one more is awaited. Whoever asked for the release is its author."""

    author: str
    remarks: list[Remark]
    waits_for_approval: bool


class LedgerHead(msgspec.Struct, frozen=True):
    """The newest entry. Kept elsewhere, it proves later that nothing before it was changed (`ledger verify`)."""

    sequence: int
    hash: str


class Records:
    """The endpoints for what is on record."""

    def __init__(self, ledger: Ledger, book: HomeBook, folds: Folds) -> None:
        self._ledger = ledger
        self._book = book
        self._folds = folds

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        return (
            self._of_release(
                "verdicts",
                "listVerdicts",
                "Verdicts with their evidence",
                self._verdicts,
                Judgements,
                VerdictsQuery,
            ),
            self._of_release(
                "findings", "listFindings", "What rules, gates and tests found", self._findings, Findings
            ),
            self._of_release("approvals", "listApprovals", "What people said to it", self._remarks, Remarks),
            Endpoint(
                "GET",
                "/v1/ledger",
                "readLedger",
                "Every entry, in order",
                self._entries,
                Events,
                "ledger",
                query=After,
            ),
            Endpoint(
                "GET",
                "/v1/ledger/head",
                "getLedgerHead",
                "Its newest entry",
                self._head,
                LedgerHead,
                "ledger",
            ),
        )

    def _of_release(
        self,
        noun: str,
        name: str,
        summary: str,
        handler: Callable[[Call], Any],
        answer: type,
        query: type[msgspec.Struct] | None = None,
    ) -> Endpoint:
        return Endpoint(
            "GET",
            f"/v1/releases/{{release}}/{noun}",
            name,
            summary,
            handler,
            answer,
            "releases",
            query=query,
            problems=(HTTPStatus.NOT_FOUND,),
        )

    async def _verdicts(self, call: Call) -> Reply:
        query: VerdictsQuery = call.query
        entries = self._ledger.read(summary_of(call, self._ledger).release, after=query.after)
        found: list[Judgement] = []
        for entry in entries:
            if isinstance(entry.event, Judged):
                found.append(self._judgement(entry, entry.event, measured=query.samples))
            if len(found) == query.limit:
                return Reply(Judgements(found, entry.number))
        return Reply(Judgements(found))

    def _judgement(self, entry: Entry, event: Judged, *, measured: bool) -> Judgement:
        return Judgement(
            number=entry.number,
            at=event.at,
            verdict=event.verdict,
            requests=event.requests,
            errors=event.errors,
            deadline=event.deadline,
            sample=event.sample,
            measured=self._ledger.sample(event.sample) if measured else None,
        )

    async def _findings(self, call: Call) -> Reply:
        entries = self._folds.answers(summary_of(call, self._ledger).release)
        return Reply(Findings([found for entry in entries for found in _found(entry)]))

    async def _remarks(self, call: Call) -> Reply:
        summary = summary_of(call, self._ledger)
        remarks: list[Remark] = []
        for entry in self._ledger.read(summary.release):
            event = entry.event
            if isinstance(
                event,
                StepApproved
                | ReleasePaused
                | ReleaseResumed
                | PromotionForced
                | ReleaseAborted
                | WayBackOpened,
            ):
                remarks.append(Remark(entry.number, event.at, _SAID[type(event)], event.by, event.reason))
        return Reply(Remarks(summary.author, remarks, summary.phase == "waiting for approval"))

    async def _entries(self, call: Call) -> Reply:
        """The entries that the caller may read. A page may be short, even empty, and still have a `next`."""
        query: After = call.query
        environments: dict[str, bool] = {}
        found: list[Entry] = []
        place: int | None = query.after
        for _ in range(SCANS_MAX):
            entries = self._ledger.since(place or 0, query.limit)
            for entry in entries:
                place = entry.sequence
                if entry.release not in environments:
                    summary = self._ledger.summary(entry.release)
                    environments[entry.release] = summary is not None and call.who.may(
                        "read", summary.environment
                    )
                if environments[entry.release]:
                    found.append(entry)
                if len(found) == query.limit:
                    return Reply(Events(found, place))
            if len(entries) < query.limit:
                place = None
                break
        return Reply(Events(found, place))

    async def _head(self, _: Call) -> Reply:
        """One of the two is the newest: an entry of a release, or a note of the home."""
        sequence = self._ledger.last_sequence()
        newest: list[Entry | Note] = [*self._ledger.since(sequence - 1, 1)]
        newest += self._ledger.notes(max(0, self._book.home.number - 1))[-1:]
        heads = [LedgerHead(one.sequence, one.hash) for one in newest]
        return Reply(max(heads, key=_place, default=_EMPTY))


_EMPTY = LedgerHead(0, GENESIS)


def _place(head: LedgerHead) -> int:
    return head.sequence


def _found(entry: Entry) -> Iterator[Found]:
    event = entry.event
    origin: Origin
    findings: tuple[Finding, ...]
    match event:
        case ReleaseRequested() | ReleaseDequeued():
            origin, findings = "rules", event.objections
        case GatesAnswered():
            origin, findings = "gates", event.findings
        case SmokeTested():
            origin, findings = "smoke", event.findings
        case VersionVerified():
            origin, findings = "verification", event.findings
        case _:
            return
    for finding in findings:
        yield Found(entry.number, event.at, origin, finding)
