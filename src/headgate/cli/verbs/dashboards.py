"""`headgate dashboards grafana`."""

import click

from headgate.cli import options
from headgate.cli.screen import print_json
from headgate.cli.session import Session
from headgate.cli.write import asking


@click.group(
    "dashboards",
    short_help="Write a Grafana dashboard of an environment and its releases.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate dashboards grafana -e production > headgate.json`",
)
def command() -> None:
    """Write dashboards from the project file."""


@options.verb(
    "grafana",
    "headgate dashboards grafana > headgate.json               then: Dashboards, New, Import",
    "headgate dashboards grafana -e production web --metrics opentelemetry",
)
@options.services
@options.environment
@asking.metrics
@asking.match
@options.as_json
@click.pass_obj
def grafana(
    session: Session,
    /,
    services: tuple[str, ...],
    environment: str | None,
    metrics: str,
    match: dict[str, str],
    *,
    as_json: bool,  # noqa: ARG001 - it is JSON either way
) -> None:
    """Write a dashboard: releases, then traffic, errors and latency of each service, by version, with its releases."""
    from headgate.cli.write.dashboard import dashboard

    found = asking.objectives_asked(session, environment, services)
    unit = found[0].unit
    print_json(dashboard(unit.project, unit.environment, found, asking.queries(metrics, match)))


command.add_command(grafana)
