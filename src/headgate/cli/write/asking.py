"""Questions that the writing verbs share: which services, and which metrics there are of them."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from headgate.cli.ask.names import environment_named, services_named
from headgate.cli.session import Session

if TYPE_CHECKING:
    from headgate.cli.write.objectives import Objective
    from headgate.cli.write.promql import Queries

NAMES = ("envoy", "istio", "opentelemetry")
_MATCH = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def _matches(context: click.Context, parameter: click.Parameter, value: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in value:
        parts = _MATCH.fullmatch(text)
        if parts is None:
            raise click.BadParameter(f"{text!r} is not LABEL=VALUE", context, parameter)
        found[parts[1]] = parts[2].replace("{", "{{").replace("}", "}}")
    return found


metrics = click.option(
    "--metrics",
    type=click.Choice(NAMES),
    default="envoy",
    help="The metrics there are of the traffic (envoy).",
)
match = click.option(
    "--match",
    metavar="LABEL=VALUE",
    multiple=True,
    callback=_matches,
    help="Only series with this label; repeatable.",
)


def objectives_asked(
    session: Session, environment: str | None, services: Sequence[str]
) -> tuple["Objective", ...]:
    """The limits of the services that were asked for, or of all. Raises Unable, ConfigError."""
    from headgate.cli.write.objectives import objectives

    project = session.project
    place = environment_named(environment, project.environments)
    return objectives(project, place, services_named(project, place, services))


def queries(family: str, more: Mapping[str, str]) -> "Queries":
    """The expressions for these metrics."""
    from headgate import wiring
    from headgate.cli.write.promql import Queries

    return Queries(family, wiring.unit_name, more)
