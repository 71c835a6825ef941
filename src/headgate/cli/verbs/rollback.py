"""`headgate rollback`."""

import re
from dataclasses import dataclass
from typing import Any

import click

from headgate.cli import options
from headgate.cli.carry import Manner, carry
from headgate.cli.errors import Unable
from headgate.cli.going_back import require_legal, way_back
from headgate.cli.render import words
from headgate.cli.screen import say
from headgate.cli.session import Session, person
from headgate.ledger.going_back import Way

_RELEASE = re.compile(r"[rR]?[0-9]+")


@options.verb(
    "rollback",
    "headgate rollback -e production web   what the last release did to web is undone",
    "headgate rollback r5                  back to what r5 had promoted",
    'headgate rollback r5 --reason "the new prices are wrong"',
)
@click.argument("names", nargs=-1, metavar="[RELEASE] [SERVICE]...")
@options.environment
@options.reason("Why: goes on record.")
@click.option(
    "--retry", metavar="REASON", default="", help="Go back to what was itself rolled back, and say why."
)
@options.break_glass
@options.timeout
@options.detach
@options.as_json
@click.pass_obj
def command(session: Session, /, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """Go back to what an earlier release had promoted, at once; smoke tests then prove it.

    Without RELEASE, back to what ran before the last promotion. Needs no project file, and refuses what is not legal:
    a version whose artifact or configuration is gone.
    """
    click.get_current_context().exit(_roll_back(session, _Given(**given)))


@dataclass(frozen=True)
class _Given:
    names: tuple[str, ...]
    environment: str | None
    reason: str
    retry: str
    break_glass: str
    timeout_s: float | None
    detach: bool
    as_json: bool


def _roll_back(session: Session, given: _Given) -> int:
    from headgate import wiring

    release, services = _told_apart(session, given.names)
    way = way_back(session.ledger, release, given.environment, services)
    require_legal(way, wiring.open_artifacts(session.home))
    _announce(way, as_json=given.as_json)
    submission = way.submission(person(), given.reason, given.retry, given.break_glass)
    manner = Manner(given.as_json, wait=False, timeout_s=given.timeout_s, detach=given.detach)
    return carry(session, submission, manner)


def _told_apart(session: Session, names: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """A release and services: what looks like a release and is one, or is no service, is a release."""
    releases = [
        name for name in names if _RELEASE.fullmatch(name) or session.ledger.summary(name) is not None
    ]
    if len(releases) > 1:
        raise Unable(f"one release at a time, not {', '.join(releases)}")
    return next(iter(releases), None), tuple(name for name in names if name not in releases)


def _announce(way: Way, *, as_json: bool) -> None:
    for intent in way.intents:
        version = words.version(intent.candidate, intent.label)
        say(f"{intent.unit} goes back to {version}, which {way.release} had promoted.", err=as_json)
