"""A person's actions on a release that is under way: pause, resume, approve, promote, abort, lift."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headgate.cli import exits
from headgate.cli.ask.follow import Follower, read_fold
from headgate.cli.ask.names import release_under_way
from headgate.cli.errors import Unable
from headgate.cli.run.release import RunMode, follow_to_end, print_end, steering_of
from headgate.cli.run.steering import Steering
from headgate.cli.run.views import view
from headgate.cli.run.watch import Watch, stays_as_it_is
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session, person
from headgate.core.model.summary import Summary

if TYPE_CHECKING:
    from headgate.ports.controller import Heard

Verb = Literal["pause", "resume", "approve", "promote", "abort", "lift"]


@dataclass(frozen=True)
class Action:
    """Which action, on which release; `release` None: on the only one under way."""

    verb: Verb
    release: str | None
    environment: str | None
    reason: str = ""


def send(session: Session, action: Action, mode: RunMode) -> int:
    """Send the action to the controller. Where none runs, this process becomes it, and runs the release on."""
    summary = release_under_way(session.ledger, action.release, action.environment)
    _still_open(summary)
    with ExitStack() as stack:
        steering = steering_of(session)
        stack.callback(steering.close)
        steering.ensure()
        if action.verb == "resume" and steering.ours and not _stopped(session, summary.release):
            return follow_to_end(session, summary.release, steering, mode)
        heard = steering.client.tell(summary.release, action.verb, person(), action.reason)
        if heard.note and not steering.ours:
            # the ledger has nothing that could be followed yet
            return _said(summary.release, action.verb, heard, mode)
        if action.verb == "abort":
            return _undone(session, summary.release, steering, mode)
        if action.verb == "pause":
            return _paused(session, summary.release, steering, mode)
        if steering.ours or mode.wait:
            return follow_to_end(session, summary.release, steering, mode)
        return _said(summary.release, action.verb, heard, mode)


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
    """True when a person or a hold stops it; otherwise all that it may lack is a controller."""
    state = read_fold(session.ledger, release).state
    return state.paused or state.hold is not None


def _said(release: str, verb: Verb, heard: "Heard", mode: RunMode) -> int:
    if mode.as_json:
        print_json({"release": release, "said": verb, "phase": heard.phase, "note": heard.note})
    elif heard.note:
        say(f"{release}: {heard.phase}: {heard.note}. It is entered as soon as the ledger can be written.")
    else:
        say(f"{release}: {heard.phase}. `headgate watch {release}` shows how it goes on.")
    return exits.DONE


def _paused(session: Session, release: str, steering: Steering, mode: RunMode) -> int:
    if mode.as_json:
        print_json({"release": release, "said": "pause", "phase": "paused", "watched": not steering.ours})
        return exits.DONE
    if steering.ours:
        say(stays_as_it_is(read_fold(session.ledger, release)))
    else:
        say(f"{release} is paused; it stays watched. `headgate resume {release}` lets it go on.")
    return exits.DONE


def _undone(session: Session, release: str, steering: Steering, mode: RunMode) -> int:
    """Stay until users are back on the old version: that is what was asked for."""
    follower = Follower(session.ledger, release)
    shown = view(as_json=mode.as_json)
    try:
        end = Watch(follower, shown, steering).run(wait=False)
    finally:
        shown.close()
    fold = follower.fold
    code = print_end(session.ledger, fold, end, steers=steering.ours, as_json=mode.as_json)
    return exits.DONE if end == "ended" else code
