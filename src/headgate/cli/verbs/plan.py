"""`headgate plan`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from headgate.cli import exits, options
from headgate.cli.ask.artifact import remarks
from headgate.cli.ask.drift import drift_of
from headgate.cli.ask.forecast import (
    Given,
    ServiceForecast,
    forecast_service,
    intents_of,
    parse_rate,
    parse_signal,
)
from headgate.cli.ask.request import Asked, Request, ask
from headgate.cli.render import criteria, words
from headgate.cli.render.status import told
from headgate.cli.screen import draw, print_json, say
from headgate.cli.session import Session
from headgate.core.judge.planner import Traffic
from headgate.core.machine.plan import Leg
from headgate.core.machine.steps import step_name
from headgate.core.model import Finding, Intent
from headgate.core.release.adjusting import adjustments
from headgate.core.release.admission import Words

_Parsed = TypeVar("_Parsed")


def _rate(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    return None if value is None else _parsed(parse_rate, context, parameter, value)


def _share(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    from headgate.config.quantities import parse_percentage

    return None if value is None else _parsed(parse_percentage, context, parameter, value)


def _signals(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, Traffic], ...]:
    return tuple(_parsed(parse_signal, context, parameter, value) for value in values)


def _parsed(
    read: Callable[[str], _Parsed], context: click.Context, parameter: click.Parameter, value: str
) -> _Parsed:
    try:
        return read(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}", context, parameter) from error


@options.verb(
    "plan",
    "headgate plan -e production",
    "headgate plan web --artifact v2     for an artifact that is in the store",
    "headgate plan --rate 200/s --base 0.1%     what each step can see",
    "headgate plan --optimise --within 30m      the steps with the least harm",
    "headgate plan --json",
)
@options.services
@options.environment
@click.option(
    "--artifact", metavar="NAME", default="", help="A digest, its beginning, or a label; default: build."
)
@click.option(
    "--rate", metavar="N/s", callback=_rate, help="The requests of the service (200/s); default: measured."
)
@click.option("--base", metavar="PERCENT", callback=_share, help="How many fail on a good day (0.1%).")
@click.option(
    "--signal",
    "signals",
    metavar="NAME=N/s,%",
    multiple=True,
    callback=_signals,
    help="A business signal's cases and share (order_rate=5/s,70%).",
)
@click.option("--simulate", is_flag=True, help="Simulate every figure of the forecast.")
@click.option("--optimise", is_flag=True, help="Propose the steps that do the least harm, --within a time.")
@click.option("--within", metavar="DURATION", callback=options.seconds, help="The time of all steps (30m).")
@options.as_json
@click.pass_obj
def command(
    session: Session,
    /,
    services: tuple[str, ...],
    environment: str | None,
    artifact: str,
    *,
    as_json: bool,
    **forecast: Any,  # noqa: ANN401 - what `_given` reads
) -> None:
    """Show the steps that a deploy would take, what it would be judged by, and what would refuse it.

    Builds the artifact if none is named, and changes nothing in production. Exits with 3 when it would be refused.

    With --rate and --base (or one of the others) it only says what each step can see: the smallest fault found with 90%
    probability, how long greater ones stay hidden and what they break until then, how long a good version takes, and
    what to change. Nothing is built then.
    """
    given = _given(**forecast)
    if given.asked:
        _foresee(session, intents_of(session, environment, services), given, as_json=as_json)
        return
    request = Request(environment, services, artifact)
    asked = ask(session, request, lambda line: say(f"  build: {line}", err=as_json))
    findings = asked.findings(Words()) if asked.intents else ()
    drift = drift_of(session, asked.running, asked.environment)
    notes = remarks(session, session.project, (asked.environment,))
    if as_json:
        print_json(_document(session, asked, findings) | {"drift": drift, "notes": notes})
    else:
        _draw(asked, findings)
        for one in told(drift):
            say(f"{one.subject}: {one.sentence}: `{one.command}`")
        for note in notes:
            say(f"note: {note}")
        _foresee(session, asked.intents, given, as_json=False)
    refused = any(finding.answer == "fail" for finding in findings)
    click.get_current_context().exit(exits.REFUSED if refused else exits.DONE)


def _given(
    rate: float | None,
    base: float | None,
    signals: tuple[tuple[str, Traffic], ...],
    within: float | None,
    *,
    simulate: bool,
    optimise: bool,
) -> Given:
    if optimise != (within is not None):
        raise click.UsageError("--optimise and --within go together: `--optimise --within 30m`")
    return Given(rate, base, signals, simulate, within)


def _foresee(session: Session, intents: tuple[Intent, ...], given: Given, *, as_json: bool) -> None:
    """Say what the steps can see, where anything is known of the traffic."""
    found = [forecast_service(session, intent, given) for intent in intents]
    if as_json:
        print_json({"services": [_forecast(one) for one in found]})
        return
    from headgate.cli.render.forecast import forecast_of

    for one in found:
        if one is not None:
            draw(forecast_of(one))
    if found and not any(found):
        say("\nWhat its steps can see: `headgate plan --rate 200/s --base 0.1%`, with your own figures.")


def _forecast(found: ServiceForecast | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "service": found.unit.service,
        "source": found.source,
        "forecast": found.forecast,
        "ladder": found.ladder,
        "harm_now": found.harm_now if found.ladder else None,
    }


def _draw(asked: Asked, findings: tuple[Finding, ...]) -> None:
    from headgate.cli.render.plan import plan

    for intent in asked.unchanged:
        say(f"{intent.unit} runs {words.version(intent.candidate, intent.label)} already: nothing to do.")
    for unit, sentences in asked.later.items():
        for sentence in sentences:
            say(f"{unit.service}: {sentence}.")
    if asked.intents:
        draw(plan(asked.plan, asked.intents, findings, asked.labels()))


def _document(session: Session, asked: Asked, findings: tuple[Finding, ...]) -> dict[str, Any]:
    legs = asked.plan.legs if asked.intents else ()
    return {
        "environment": asked.environment,
        "unchanged": [intent.unit.service for intent in asked.unchanged],
        "services": [
            {**_leg(leg, intent), "forecast": _forecast(forecast_service(session, intent, Given()))}
            for leg, intent in zip(legs, asked.intents, strict=True)
        ],
        "later": {unit.service: sentences for unit, sentences in asked.later.items()},
        "refused": any(finding.answer == "fail" for finding in findings),
        "findings": findings,
    }


def _leg(leg: Leg, intent: Intent) -> dict[str, Any]:
    return {
        "service": leg.unit.service,
        "from": leg.change.baseline.artifact if leg.change.baseline else None,
        "to": leg.change.candidate.artifact,
        "configuration": leg.change.candidate.configuration,
        "label": intent.label,
        "strategy": intent.rollout.strategy,
        "fresh_baseline": leg.change.instances if leg.change.fresh else 0,
        "steps": [step_name(step) for step in leg.steps],
        "adjusts": adjustments(leg),
        "criteria": criteria.of_leg(leg),
    }
