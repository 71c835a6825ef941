"""`headgate rollback`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from headgate.cli import exits, options
from headgate.cli.ask.going_back import require_legal, way_back
from headgate.cli.errors import Unable
from headgate.cli.render import words
from headgate.cli.run.release import RunMode, run_release
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session, person
from headgate.ledger.going_back import Way
from headgate.ledger.projections import ALL_RELEASES, labels

_RELEASE = re.compile(r"[rR]?[0-9]+")
_NAMED = 3


@options.verb(
    "rollback",
    "headgate rollback -e production web   what the last release did to web is undone",
    "headgate rollback r5                  back to what r5 had promoted",
    'headgate rollback r5 --reason "the new prices are wrong"',
    "headgate rollback --dry-run            which way it would take; nothing is changed",
)
@click.argument("names", nargs=-1, metavar="[RELEASE] [SERVICE]...")
@options.environment
@options.reason("Why: goes on record.")
@click.option(
    "--retry", metavar="REASON", default="", help="Go back to what was itself rolled back, and say why."
)
@options.break_glass
@click.option("--dry-run", is_flag=True, help="Show the way it would take, and go no further.")
@options.timeout
@options.detach
@options.as_json
@click.pass_obj
def command(session: Session, /, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """Go back to what an earlier release had promoted, at once; smoke tests then prove it.

    Without RELEASE, back to what ran before the last promotion; a second time further back, never to what was just
    left. Needs no project file, and refuses what is not legal: a version whose artifact or configuration is gone, or
    one from before a barrier (`headgate barrier list`).
    """
    click.get_current_context().exit(_roll_back(session, _Given(**given)))


@dataclass(frozen=True)
class _Given:
    names: tuple[str, ...]
    environment: str | None
    reason: str
    retry: str
    break_glass: str
    dry_run: bool
    timeout_s: float | None
    detach: bool
    as_json: bool


def _roll_back(session: Session, given: _Given) -> int:
    from headgate import wiring

    release, services = _told_apart(session, given.names)
    way = way_back(session.ledger, release, given.environment, services)
    require_legal(way, wiring.open_artifacts(session.home))
    if given.dry_run and given.as_json:
        print_json(_as_json(way))
        return exits.DONE
    _announce(session, way, as_json=given.as_json)
    if given.dry_run:
        say("Nothing was changed (--dry-run).")
        return exits.DONE
    submission = way.submission(person(), given.reason, given.retry, given.break_glass)
    mode = RunMode(given.as_json, wait=False, timeout_s=given.timeout_s, detach=given.detach)
    return run_release(session, submission, mode)


def _told_apart(session: Session, names: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """A release and services: what looks like a release and is one, or is no service, is a release."""
    releases = [
        name for name in names if _RELEASE.fullmatch(name) or session.ledger.summary(name) is not None
    ]
    if len(releases) > 1:
        raise Unable(f"one release at a time, not {', '.join(releases)}")
    return next(iter(releases), None), tuple(name for name in names if name not in releases)


def _announce(session: Session, way: Way, *, as_json: bool) -> None:
    called = labels(session.ledger.summaries(limit=ALL_RELEASES))
    for intent in way.intents:
        target, leaves = intent.candidate, way.leaves.get(intent.unit)
        where = f" from {words.version(leaves, called.get(leaves, ''))}" if leaves is not None else ""
        there = f"{words.version(target, intent.label)}, which {way.release} had promoted"
        line = f"{intent.unit} goes back{where} to {there}"
        over = [words.version(version, called.get(version, "")) for version in way.over.get(intent.unit, ())]
        say(f"{line}{_passed_over(over)}.{_stays(way.stays[intent.unit])}", err=as_json)


def _passed_over(versions: Sequence[str]) -> str:
    """Which versions that ran in between are not gone back to."""
    if not versions:
        return ""
    named = ", ".join(versions[:_NAMED]) + (
        f" and {len(versions) - _NAMED} more" if len(versions) > _NAMED else ""
    )
    return f"; {named} ran in between, and {'is' if len(versions) == 1 else 'are'} passed over"


def _stays(commands: Sequence[str]) -> str:
    """That a rollback runs no `undo`, where there is one."""
    if not commands:
        return ""
    return f" It runs no `undo`: what {' and '.join(commands)} changed stays."


def _as_json(way: Way) -> dict[str, Any]:
    """The way, as a document."""
    return {
        "to": way.release,
        "units": [
            {
                "unit": str(intent.unit),
                "leaves": way.leaves.get(intent.unit),
                "goes_back_to": intent.candidate,
                "passes_over": way.over.get(intent.unit, ()),
                "stays": way.stays.get(intent.unit, ()),
            }
            for intent in way.intents
        ],
    }
