"""`headgate retire`."""

import sys
import time
from contextlib import ExitStack
from typing import Any

import click

from headgate.cli import exits, options
from headgate.cli.ask.declared import declaration
from headgate.cli.ask.names import environment_named, units_named
from headgate.cli.errors import Unable
from headgate.cli.run.release import steering_of
from headgate.cli.screen import patience, print_json, say
from headgate.cli.session import Session, person
from headgate.core.model import Unit
from headgate.ledger.projections import Running, fleet_of

ASK_EVERY_S = 0.5


@options.verb(
    "retire",
    "headgate retire jobs                          asks first",
    'headgate retire jobs -e production --reason "its work is done by web now"',
    "headgate retire jobs --yes --json             in a script",
)
@click.argument("service")
@options.environment
@options.reason("Why: goes on record, and is its own confirmation.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.as_json
@click.pass_obj
def command(
    session: Session, /, service: str, environment: str | None, reason: str, *, yes: bool, as_json: bool
) -> None:
    """Stop a service that is no longer wanted: its users get no answer any more, its port is free.

    What was released of it stays on record, and its last artifacts as long as others: deploying the service again
    begins as its first release. While a release moves it, it cannot be retired.
    """
    from headgate import wiring

    unit, run = _chosen(session, environment, service)
    if run.in_flight is not None:
        hint = f"`headgate abort {run.in_flight}` undoes that first"
        raise Unable(f"{run.in_flight} is moving {unit}", hint, code=exits.REFUSED)
    if not as_json:
        say(_will(unit, run))
    if not (yes or reason.strip()):
        _confirm(unit)
    answer = _retired(session, unit, reason, as_json=as_json)
    if as_json:
        print_json(answer)
    else:
        say(f"{unit} is retired: nothing of it runs, and its port is free. `headgate deploy` brings it back.")
        shared = wiring.shared_of(session.home, run.platform, unit)
        if shared is not None and shared.exists():
            say(f"What its versions shared stays: {shared}")


def _chosen(session: Session, environment: str | None, service: str) -> tuple[Unit, Running]:
    running = fleet_of(session.ledger) if session.has_ledger else {}
    runs = {unit: run for unit, run in running.items() if run.stable is not None or run.in_flight is not None}
    if not runs:
        raise Unable("nothing runs here, so there is nothing to retire")
    if environment is None:
        places = [unit.environment for unit in runs if unit.service == service]
        environment = environment_named(None, places or [unit.environment for unit in runs])
    found = units_named(runs, environment, (service,))
    if len(found) > 1:
        found = tuple(unit for unit in found if unit.project == _project(session)) or found
    if len(found) != 1:
        names = ", ".join(str(unit) for unit in found)
        raise Unable(f"which one? there are {names}", "run it in the folder of its project", code=exits.USAGE)
    return found[0], runs[found[0]]


def _project(session: Session) -> str:
    """The project whose folder this is; empty where there is none."""
    found = declaration(session)
    return found.project if found is not None else ""


def _will(unit: Unit, run: Running) -> str:
    where = f" at port {run.listener.port}" if run.listener is not None else ""
    many = f"its {run.instances} instances stop" if run.instances > 1 else "its instance stops"
    return f"This takes {unit} away for good: nobody is served{where} any more, and {many} ({run.stable})."


def _confirm(unit: Unit) -> None:
    """Ask whoever sits there. Raises Unable where nobody does, or says no."""
    hint = 'say `--reason "..."` or `--yes`'
    if not sys.stdin.isatty():
        raise Unable("nobody is there to confirm it", hint, code=exits.USAGE)
    if not click.confirm(f"Retire {unit}?"):
        raise Unable("nothing was changed", hint, code=exits.REFUSED)


def _retired(session: Session, unit: Unit, reason: str, *, as_json: bool) -> dict[str, Any]:
    """Have it done by whoever steers, and stay until it is."""
    by = person()
    with ExitStack() as stack, patience(f"retiring {unit} ...", quiet=as_json):
        steering = steering_of(session)
        stack.callback(steering.close)
        steering.ensure()
        said = ""
        while True:
            answer = steering.client.retire(unit, by, reason)
            if answer.done:
                return {"unit": unit, "done": True, "by": by, "reason": reason}
            if answer.trouble != said and not as_json:
                say(f"not yet: {answer.trouble}; it is tried again", err=True)
            said = answer.trouble
            time.sleep(ASK_EVERY_S)
