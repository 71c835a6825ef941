"""A person's word to a release that is under way: pause, resume, approve, promote, abort, lift."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headgate.cli import exits
from headgate.cli.ask.follow import Follower, read_fold
from headgate.cli.ask.names import release_under_way
from headgate.cli.errors import Unable
from headgate.cli.run.accompany import Company, stays_as_it_is
from headgate.cli.run.release import Manner, helm_of, see_through, tell_end
from headgate.cli.run.steering import Helm
from headgate.cli.run.watch import view
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session, person
from headgate.core.model.summary import Summary

if TYPE_CHECKING:
    from headgate.ports.controller import Heard

Verb = Literal["pause", "resume", "approve", "promote", "abort", "lift"]


@dataclass(frozen=True)
class Word:
    """What is said to which release; `release` None: the only one under way."""

    verb: Verb
    release: str | None
    environment: str | None
    reason: str = ""


def give(session: Session, word: Word, manner: Manner) -> int:
    """Hand the word to whoever steers. Where nobody does, steer: the release is then carried on from here."""
    summary = release_under_way(session.ledger, word.release, word.environment)
    _still_open(summary)
    with ExitStack() as stack:
        helm = helm_of(session)
        stack.callback(helm.close)
        helm.take()
        if word.verb == "resume" and helm.ours and not _stopped(session, summary.release):
            return see_through(session, summary.release, helm, manner)
        heard = helm.client.tell(summary.release, word.verb, person(), word.reason)
        if heard.note and not helm.ours:
            return _said(
                summary.release, word.verb, heard, manner
            )  # the ledger has nothing that could be followed yet
        if word.verb == "abort":
            return _undone(session, summary.release, helm, manner)
        if word.verb == "pause":
            return _paused(session, summary.release, helm, manner)
        if helm.ours or manner.wait:
            return see_through(session, summary.release, helm, manner)
        return _said(summary.release, word.verb, heard, manner)


def _still_open(summary: Summary) -> None:
    if summary.outcome is None:
        return
    outcome = summary.outcome.replace("_", " ")
    hint = ""
    if summary.outcome == "promoted":
        where = " ".join(move.unit.service for move in summary.moves)
        hint = f"`headgate rollback -e {summary.environment} {where}` undoes it"
    raise Unable(f"{summary.release} has ended: {outcome}", hint, code=exits.REFUSED)


def _stopped(session: Session, release: str) -> bool:
    """True when a person or a hold stops it; otherwise all that a release may lack is somebody at the helm."""
    state = read_fold(session.ledger, release).state
    return state.paused or state.hold is not None


def _said(release: str, verb: Verb, heard: "Heard", manner: Manner) -> int:
    if manner.as_json:
        print_json({"release": release, "said": verb, "phase": heard.phase, "note": heard.note})
    elif heard.note:
        say(f"{release}: {heard.phase}: {heard.note}. It is entered as soon as the ledger can be written.")
    else:
        say(f"{release}: {heard.phase}. `headgate watch {release}` shows how it goes on.")
    return exits.DONE


def _paused(session: Session, release: str, helm: Helm, manner: Manner) -> int:
    if manner.as_json:
        print_json({"release": release, "said": "pause", "phase": "paused", "watched": not helm.ours})
        return exits.DONE
    if helm.ours:
        say(stays_as_it_is(read_fold(session.ledger, release)))
    else:
        say(f"{release} is paused; it stays watched. `headgate resume {release}` lets it go on.")
    return exits.DONE


def _undone(session: Session, release: str, helm: Helm, manner: Manner) -> int:
    """Stay until users are back on the old version: that is what was asked for."""
    follower = Follower(session.ledger, release)
    shown = view(as_json=manner.as_json)
    try:
        parting = Company(follower, shown, helm).stay(wait=False)
    finally:
        shown.close()
    fold, labels = follower.fold, follower.labels
    code = tell_end(fold, parting, steers=helm.ours, as_json=manner.as_json, labels=labels)
    return exits.DONE if parting == "ended" else code
