"""The steering of releases: submit one, and act on one: pause, resume, approve, promote, abort, lift."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec

from headgate.core.home.identity import is_theirs
from headgate.core.machine.events import STAMPED_LATER, ReleaseRequested, Request
from headgate.core.machine.names import WORDS, Illegal
from headgate.core.model import Unit
from headgate.core.model.foreign import cleaned
from headgate.core.release.submission import Submission
from headgate.ledger import Ledger
from headgate.ports.controller import Controller, Stopped, UnknownRelease
from headgate.web.api.reaching import marked, require_reachable
from headgate.web.api.validation import (
    last_promoted,
    require_declared,
    require_declared_secrets,
    require_known_commands,
    require_sound,
)
from headgate.web.doors.front_door import FrontDoor
from headgate.web.http.endpoint import Call, Endpoint, Reply, forbidden
from headgate.web.http.problems import Problem, unknown
from headgate.web.http.who import Permission

VERBS: dict[str, tuple[Permission, str]] = {
    "pause": ("operate", "Move no further; the watch goes on"),
    "resume": ("operate", "Lift a pause or a hold: the present step begins again"),
    "approve": ("approve", "Answer yes to the step that waits for a person"),
    "promote": ("approve", "Override the judge and promote; a reason is demanded"),
    "abort": ("operate", "Undo the release"),
    "lift": (
        "approve",
        "Say that it can be undone again, though a one-way step has begun; a reason is demanded",
    ),
}

Text = Annotated[str, msgspec.Meta(max_length=2000)]


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody says something about a release. `by` counts only from whoever comes by the socket."""

    by: Annotated[str, msgspec.Meta(max_length=200)] = ""
    reason: Text = ""


class Begun(msgspec.Struct, frozen=True):
    """A release is on record: `release` is its name."""

    release: str


class Told(msgspec.Struct, frozen=True):
    """What was said has taken effect; `phase` is where the release is now.

    `note` says what has been done already where the ledger cannot be written yet, and why it cannot.
    """

    release: str
    phase: str
    note: str = ""


class Steering:
    """The endpoints that move releases."""

    def __init__(self, controller: Controller, ledger: Ledger, door: FrontDoor) -> None:
        self._controller = controller
        self._ledger = ledger
        self._door = door

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        submit = Endpoint(
            method="POST",
            path="/v1/releases",
            name="beginRelease",
            summary="Begin a release",
            handler=self._submit,
            answer=Begun,
            tag="releases",
            permission="operate",
            body=Submission,
            status=HTTPStatus.CREATED,
            keyed=True,
        )
        return (submit, *(self._verb(verb) for verb in VERBS))

    def _verb(self, verb: str) -> Endpoint:
        permission, summary = VERBS[verb]

        async def tell(call: Call) -> Reply:
            return await self.tell(call, verb)

        return Endpoint(
            method="POST",
            path=f"/v1/releases/{{release}}/{verb}",
            name=f"{verb}Release",
            summary=summary,
            handler=tell,
            answer=Told,
            tag="releases",
            permission=permission,
            body=Reason,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
            keyed=True,
        )

    async def tell(self, call: Call, verb: str) -> Reply:
        """Act on the release that the path names; `verb` is one of VERBS. Raises Problem."""
        permission, _ = VERBS[verb]
        return await self._tell(call, WORDS[verb], permission)

    async def runs(self, release: str) -> bool:
        """Whether this controller runs the release: it is open, and no other controller took over."""
        try:
            return release in (await self._controller.health()).open
        except Stopped:
            return False

    async def _submit(self, call: Call) -> Reply:
        submission: Submission = cleaned(call.body)
        require_sound(submission)
        for intent in submission.intents:
            call.demand("operate", intent.unit.environment)
        if call.who.door != "socket":
            last = last_promoted(submission, self._ledger)
            require_declared(call, submission, last)
            submission = self._declared(msgspec.structs.replace(submission, author=call.who.name), last)
        try:
            return Reply(Begun(await self._controller.submit(submission)))
        except Stopped as error:
            raise stopping(error) from error

    def _declared(self, submission: Submission, last: Mapping[Unit, ReleaseRequested]) -> Submission:
        """The submission with its marks on record: what of it came in by the front door. Raises Problem (403).

        `last` are the requests whose releases promoted its units last.
        """
        requests = tuple(last.values())
        require_known_commands(submission, requests)
        submission = marked(submission, requests)
        require_reachable(submission, self._door.bounds)
        require_declared_secrets(submission, self._door.declared)
        return submission

    async def _tell(self, call: Call, kind: type[Request], permission: Permission) -> Reply:
        release, word = call.params["release"], call.body
        self._allow(call, release, permission)
        try:
            event = kind(at=STAMPED_LATER, by=author(call), reason=word.reason)
            heard = await self._controller.tell(release, event)
        except UnknownRelease as error:
            raise Problem(HTTPStatus.CONFLICT, "not possible now", f"{release} has ended") from error
        except Illegal as error:
            raise Problem(HTTPStatus.CONFLICT, "not possible now", str(error)) from error
        except Stopped as error:
            raise stopping(error) from error
        return Reply(Told(release, heard.phase, heard.note))

    def _allow(self, call: Call, release: str, permission: Permission) -> None:
        """The right counts where the release is; and nobody approves what they asked for themselves, but the owner."""
        summary = self._ledger.summary(release)
        if summary is None:
            raise unknown("release", release)
        call.demand(permission, summary.environment)
        if (
            permission == "approve"
            and call.who.door != "socket"
            and is_theirs(self._door.book.home, call.who.names, summary.author)
        ):
            problem = forbidden(call.who, permission)
            detail = f"{call.who.name} asked for {release}: somebody else must approve it"
            raise Problem(HTTPStatus.FORBIDDEN, problem.document.title, detail)


def author(call: Call) -> str:
    """Under which name something goes on record: the owner may give one, everybody else has theirs."""
    return call.body.by or call.who.name if call.who.door == "socket" else call.who.name


def stopping(error: Stopped) -> Problem:
    """503: the controller does not act (any more)."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the controller is stopping", str(error))
