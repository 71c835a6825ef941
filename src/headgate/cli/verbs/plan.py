"""`headgate plan`."""

from typing import Any

import click

from headgate.cli import exits, options
from headgate.cli.asking import Asked, Request, ask
from headgate.cli.render import criteria, words
from headgate.cli.screen import draw, print_json, say
from headgate.cli.session import Session
from headgate.core.admission import Words
from headgate.core.model import Finding, Intent, Leg, step_name


@options.verb(
    "plan",
    "headgate plan -e production",
    "headgate plan web --artifact v2     for an artifact that is in the store",
    "headgate plan --json",
)
@options.services
@options.environment
@click.option(
    "--artifact", metavar="NAME", default="", help="A digest, its beginning, or a label; default: build."
)
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
) -> None:
    """Show the steps that a deploy would take, what it would be judged by, and what would refuse it.

    Builds the artifact if none is named, and changes nothing in production. Exits with 3 when it would be refused.
    """
    request = Request(environment, services, artifact)
    asked = ask(session, request, lambda line: say(f"  build: {line}", err=as_json))
    findings = asked.findings(Words()) if asked.intents else ()
    if as_json:
        print_json(_document(asked, findings))
    else:
        _draw(asked, findings)
    refused = any(finding.answer == "fail" for finding in findings)
    click.get_current_context().exit(exits.REFUSED if refused else exits.DONE)


def _draw(asked: Asked, findings: tuple[Finding, ...]) -> None:
    from headgate.cli.render.plan import plan

    for intent in asked.unchanged:
        say(f"{intent.unit} runs {words.version(intent.candidate, intent.label)} already: nothing to do.")
    if asked.intents:
        draw(plan(asked.plan(), asked.intents, findings, asked.labels()))


def _document(asked: Asked, findings: tuple[Finding, ...]) -> dict[str, Any]:
    legs = asked.plan().legs if asked.intents else ()
    return {
        "environment": asked.environment,
        "unchanged": [intent.unit.service for intent in asked.unchanged],
        "services": [_leg(leg, intent) for leg, intent in zip(legs, asked.intents, strict=True)],
        "refused": any(finding.answer == "fail" for finding in findings),
        "findings": findings,
    }


def _leg(leg: Leg, intent: Intent) -> dict[str, Any]:
    return {
        "service": leg.unit.service,
        "from": leg.baseline.artifact if leg.baseline else None,
        "to": leg.candidate.artifact,
        "configuration": leg.candidate.configuration,
        "label": intent.label,
        "strategy": intent.rollout.strategy,
        "steps": [step_name(step) for step in leg.steps],
        "criteria": criteria.in_words(leg.judge),
    }
