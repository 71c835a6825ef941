"""`headgate barrier list`, `lift`."""

from typing import Any

import click

from headgate.cli import exits, options
from headgate.cli.ask.names import units_named
from headgate.cli.errors import Unable
from headgate.cli.render import words
from headgate.cli.run.action import Action, send
from headgate.cli.run.keep import keep
from headgate.cli.run.release import RunMode
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session
from headgate.core.home.facts import folded
from headgate.core.legality.barrier import Barrier, barriers
from headgate.core.model import Unit
from headgate.core.model.places import named
from headgate.ledger.projections import ALL_RELEASES


@click.group(
    "barrier",
    short_help="List what keeps older versions out; lift it with a reason.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Examples: `headgate barrier list`, `headgate barrier lift web --reason "both formats work"`',
)
def command() -> None:
    """A release whose one-way step has begun leaves a barrier: nothing older may run, until a person lifts it."""


@options.verb("list", "headgate barrier list", "headgate barrier list --json")
@options.as_json
@click.pass_obj
def listing(session: Session, /, *, as_json: bool) -> None:
    """The barriers that stand, newest first."""
    found = _in_force(session)
    if as_json:
        print_json(found)
        return
    for one in found:
        say(f"{one.unit}  {one.sentence()} (since {words.day(one.at)}; {words.version(one.oldest)} or newer)")
    if not found:
        say("There is no barrier: going back is legal everywhere.")


@options.verb(
    "lift",
    'headgate barrier lift web --reason "the old API is back"',
    'headgate barrier lift -e production web --reason "both formats work"',
)
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@options.environment
@options.reason("Why older versions may run again: goes on record, and is not optional.")
@options.as_json
@click.pass_obj
def lift(
    session: Session,
    /,
    services: tuple[str, ...],
    environment: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Let versions from before a one-way step run again. It changes nothing that runs; going back is legal then.

    Of a release under way it is said to that release, which `headgate abort` can undo from then on.
    """
    if not reason.strip():
        raise Unable("a barrier is lifted with its reason", 'give one: `--reason "..."`')
    found = _of(session, environment, services)
    lifted: list[dict[str, Any]] = []
    for release in dict.fromkeys(one.release for one in found):
        here = [one for one in found if one.release == release]
        if here[0].under_way:
            send(session, Action("lift", release, None, reason), RunMode(as_json=as_json, wait=False))
            continue
        body = {"reason": reason, "services": [one.unit.service for one in here]}
        path = f"POST /v1/barriers/{options.in_path(release)}/lift"
        lifted += keep(session, "liftBarrier", path, body, {"release": release})["barriers"]
        if not as_json:
            units = dict.fromkeys(one.unit for one in here)
            say(f"The barrier of {release} is lifted: {', '.join(_open(unit) for unit in units)}.")
    if as_json and lifted:
        print_json(lifted)


def _open(unit: Unit) -> str:
    return f"`headgate rollback {named(unit)}` may go back across it"


def _in_force(session: Session) -> tuple[Barrier, ...]:
    if not session.has_ledger:
        return ()
    home = folded(note.event for note in session.ledger.notes())
    return barriers(session.ledger.summaries(limit=ALL_RELEASES), home)


def _of(session: Session, environment: str | None, services: tuple[str, ...]) -> tuple[Barrier, ...]:
    """The barriers that are meant. Raises Unable when there is none, or several units have one and none is named."""
    in_force = _in_force(session)
    if not in_force:
        raise Unable("there is no barrier: going back is legal everywhere", code=exits.REFUSED)
    units = units_named(dict.fromkeys(one.unit for one in in_force), environment, services)
    if len(units) > 1 and not services:
        listed = "; ".join(f"`headgate barrier lift {named(unit)}`" for unit in units)
        raise Unable(f"which of them? {len(units)} units have a barrier", listed)
    return tuple(one for one in in_force if one.unit in units)


for part in (listing, lift):
    command.add_command(part)
