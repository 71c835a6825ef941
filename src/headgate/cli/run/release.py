"""Carries a release to its end: hands it to whoever steers, follows it, and says how it ended."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.cli import exits
from headgate.cli.ask.follow import Follower, read_fold
from headgate.cli.errors import Unable
from headgate.cli.home import open_ledger
from headgate.cli.render.words import NO_LABELS, Labels
from headgate.cli.run.accompany import Company, Parting, stays_as_it_is
from headgate.cli.run.steering import Helm
from headgate.cli.run.watch import view
from headgate.cli.screen import draw, patience, print_json, say
from headgate.cli.session import Session
from headgate.core.story.report import Fold
from headgate.homes import socket_of

if TYPE_CHECKING:
    from headgate.core.release.submission import Submission


@dataclass(frozen=True)
class Manner:
    """How a person wants to be told, and for how long."""

    as_json: bool = False
    wait: bool = False
    timeout_s: float | None = None
    detach: bool = False


def helm_of(session: Session) -> Helm:
    """The helm of the session's home."""
    return Helm(session.home, socket_of(session.home))


def carry(session: Session, submission: "Submission", manner: Manner) -> int:
    """Begin a release and stay with it; returns the exit code."""
    with ExitStack() as stack:
        helm = helm_of(session)
        stack.callback(helm.close)
        if manner.detach:
            need_daemon(session, helm)
        with patience("starting the controller ...", quiet=manner.as_json):
            helm.take()
        release = helm.client.submit(submission)
        if manner.detach:
            return handed_over(session, release, manner)
        return see_through(session, release, helm, manner)


def see_through(session: Session, release: str, helm: Helm, manner: Manner) -> int:
    """Stay with a release that `helm` steers, and say how it ended; returns the exit code."""
    ledger = open_ledger(session.home)
    try:
        follower = Follower(ledger, release)
        shown = view(as_json=manner.as_json)
        try:
            parting = Company(follower, shown, helm).stay(wait=manner.wait, timeout_s=manner.timeout_s)
        finally:
            shown.close()
        fold, labels = follower.fold, follower.labels
        return tell_end(fold, parting, steers=helm.ours, as_json=manner.as_json, labels=labels)
    finally:
        ledger.close()


def tell_end(fold: Fold, parting: Parting, *, steers: bool, as_json: bool, labels: Labels = NO_LABELS) -> int:
    """The last word on a release: its report, and what leaving it now means; returns the exit code."""
    report = fold.report()
    if as_json:
        print_json(report)
    else:
        from headgate.cli.render.summary import summary

        draw(summary(fold, labels))
    if parting != "ended":
        watched = f"The controller keeps watching it: `headgate watch {report.release}` shows it."
        say(stays_as_it_is(fold) if steers else watched, err=as_json)
    return exits.INTERRUPTED if parting == "left" else exits.OF_OUTCOME[report.outcome]


def need_daemon(session: Session, helm: Helm) -> None:
    """Raises Unable unless the controller is a daemon: one in a terminal leaves with its own release."""
    import asyncio

    from headgate import wiring

    running = helm.running()
    programs: list[dict[str, Any]] = (
        asyncio.run(wiring.daemon_status(session.home))["programs"] if running else []
    )
    if not any(program["name"] == "controller" and program["pid"] == helm.health.pid for program in programs):
        raise Unable("--detach needs the controller as a daemon, and none runs", "`headgate up` starts it")


def handed_over(session: Session, release: str, manner: Manner) -> int:
    """The daemon has it now."""
    ledger = open_ledger(session.home)
    try:
        fold = read_fold(ledger, release)
    finally:
        ledger.close()
    if fold.state.outcome == "refused":
        return tell_end(fold, "ended", steers=False, as_json=manner.as_json)
    if manner.as_json:
        print_json(fold.report())
    else:
        say(f"{release} is under way: `headgate watch {release}`, `headgate status`.")
    return exits.DONE
