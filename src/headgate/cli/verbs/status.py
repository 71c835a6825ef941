"""`headgate status`."""

import time
from typing import Any

import click

from headgate.cli import options
from headgate.cli.ask.status import UnitStatus, read_status
from headgate.cli.render.status import status
from headgate.cli.screen import page, print_json, say, say_painted
from headgate.cli.session import Session
from headgate.core.drift import condition
from headgate.core.story.view import Alarms, phase, waits_for_person, weight


@options.verb(
    "status",
    "headgate status                       everything in this home",
    "headgate status -e production web     one service",
    "headgate status --json",
)
@options.services
@options.environment
@options.as_json
@click.pass_obj
def command(
    session: Session, /, services: tuple[str, ...], environment: str | None, *, as_json: bool
) -> None:
    """What runs, since when and by whom; what is moving; what waits for you; and how to undo it.

    It says "runs" only of what the world says so of: the processes, the proxy, and one request to each service that
    nothing moves. What is declared, recorded and real is compared, and each difference is said with its command.
    """
    seen = read_status(session, environment, services)
    if as_json:
        units = [_unit(one) for one in seen.units]
        print_json(
            {
                "home": seen.home,
                "controller": seen.controller or None,
                "trouble": seen.trouble,
                "units": units,
                "parts": seen.parts,
                "drift": seen.drift,
            }
        )
        return
    width, paint = page()
    for line in status(seen, time.time(), width, paint):
        say_painted(line)
    if not seen.units:
        say(_nothing(session))


def _nothing(session: Session) -> str:
    """Why there is no unit to show."""
    if session.has_ledger and session.ledger.last_sequence():
        return "Nothing runs here any more: all that was released is retired."
    return "Nothing was released from this home yet: `headgate deploy` begins."


def _unit(one: UnitStatus) -> dict[str, Any]:
    unit, stable = one.unit, one.stable
    return {
        "project": unit.project,
        "environment": unit.environment,
        "service": unit.service,
        "stable": {
            "key": stable.key,
            "artifact": stable.artifact,
            "configuration": stable.configuration,
            "label": one.label,
            "release": one.release,
            "since": one.since,
            "author": one.author,
        }
        if stable
        else None,
        "condition": condition(one.pictures) if one.pictures else "unknown",
        "declared": one.pictures.declared if one.pictures else None,
        "recorded": one.pictures.recorded if one.pictures else None,
        "real": one.pictures.real if one.pictures else None,
        "warm": [version.key for version in one.warm],
        "moving": _moving(one),
        "waiting": one.waiting,
        "false_alarms": _alarms(one.alarms),
        "undo": f"headgate rollback -e {unit.environment} {unit.service}"
        if one.before and not one.barrier
        else None,
        "undo_to": one.before.version if one.before else None,
        "barred": one.barrier.sentence() if one.barrier else None,
    }


def _alarms(seen: Alarms | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "releases": seen.releases,
        "false": seen.false,
        "rate": seen.rate,
        "promised": seen.promised,
    }


def _moving(one: UnitStatus) -> dict[str, Any] | None:
    if one.moving is None:
        return None
    state, plan = one.moving.state, one.moving.plan
    here = state.legs[state.leg]
    return {
        "release": one.moving.request.release,
        "to": plan.legs[state.leg].change.candidate.key,
        "phase": phase(state, plan),
        "weight": weight(here),
        "verdict": here.verdict.kind if here.verdict else None,
        "evidence": here.verdict.evidence if here.verdict else None,
        "needed": here.verdict.needed if here.verdict else None,
        "waits_for": waits_for_person(state, plan) or None,
    }
