"""Runs a release to its end: submits it to the controller, follows it, and prints how it ended."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.cli import exits
from headgate.cli.ask.follow import Follower, labels_of, read_fold
from headgate.cli.errors import Unable
from headgate.cli.home import open_ledger
from headgate.cli.run.steering import Steering
from headgate.cli.run.views import view
from headgate.cli.run.watch import Watch, WatchEnd, stays_as_it_is
from headgate.cli.screen import draw, patience, print_json, say
from headgate.cli.session import Session
from headgate.core.story.report import Fold
from headgate.homes import socket_of
from headgate.ledger import Ledger

if TYPE_CHECKING:
    from headgate.core.release.submission import Submission


@dataclass(frozen=True)
class RunMode:
    """How a command runs a release: what it prints, and how long it stays with the release."""

    as_json: bool = False
    wait: bool = False
    timeout_s: float | None = None
    detach: bool = False


def steering_of(session: Session) -> Steering:
    """The controller of the session's home, as this command uses it."""
    return Steering(session.home, socket_of(session.home))


def run_release(session: Session, submission: "Submission", mode: RunMode) -> int:
    """Begin a release and stay with it; returns the exit code."""
    with ExitStack() as stack:
        steering = steering_of(session)
        stack.callback(steering.close)
        if mode.detach:
            require_daemon(session, steering)
        with patience("starting the controller ...", quiet=mode.as_json):
            steering.ensure()
        release = steering.client.submit(submission)
        if mode.detach:
            return print_detached(session, release, mode)
        return follow_to_end(session, release, steering, mode)


def follow_to_end(session: Session, release: str, steering: Steering, mode: RunMode) -> int:
    """Follow a release until it has ended, and print how; returns the exit code."""
    ledger = open_ledger(session.home)
    try:
        follower = Follower(ledger, release)
        shown = view(as_json=mode.as_json)
        try:
            end = Watch(follower, shown, steering).run(wait=mode.wait, timeout_s=mode.timeout_s)
        finally:
            shown.close()
        fold = follower.fold
        return print_end(ledger, fold, end, steers=steering.ours, as_json=mode.as_json)
    finally:
        ledger.close()


def print_end(ledger: Ledger, fold: Fold, end: WatchEnd, *, steers: bool, as_json: bool) -> int:
    """Print the report of a release, and what leaving it now means; returns the exit code."""
    report = fold.report()
    if as_json:
        print_json(report)
    else:
        from headgate.cli.render.summary import summary
        from headgate.ledger.going_back import can_be_undone

        undoable = report.outcome == "promoted" and can_be_undone(ledger, report.release)
        draw(summary(fold, labels_of(ledger, fold), undoable=undoable))
    if end != "ended":
        watched = f"The controller keeps watching it: `headgate watch {report.release}` shows it."
        say(stays_as_it_is(fold) if steers else watched, err=as_json)
    return exits.INTERRUPTED if end == "left" else exits.OF_OUTCOME[report.outcome]


def require_daemon(session: Session, steering: Steering) -> None:
    """Raises Unable unless the controller is a daemon: one in a terminal leaves with its own release."""
    import asyncio

    from headgate import wiring

    running = steering.running()
    programs: list[dict[str, Any]] = (
        asyncio.run(wiring.daemon_status(session.home))["programs"] if running else []
    )
    if not any(
        program["name"] == "controller" and program["pid"] == steering.health.pid for program in programs
    ):
        raise Unable("--detach needs the controller as a daemon, and none runs", "`headgate up` starts it")


def print_detached(session: Session, release: str, mode: RunMode) -> int:
    """Print that the daemon runs the release now, or that it was refused; returns the exit code."""
    ledger = open_ledger(session.home)
    try:
        fold = read_fold(ledger, release)
        if fold.state.outcome == "refused":
            return print_end(ledger, fold, "ended", steers=False, as_json=mode.as_json)
    finally:
        ledger.close()
    if mode.as_json:
        print_json(fold.report())
    else:
        say(f"{release} is under way: `headgate watch {release}`, `headgate status`.")
    return exits.DONE
