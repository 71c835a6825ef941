"""`headgate alerts prometheus` and `headgate alerts datadog`."""

import click

from headgate.cli import options
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session
from headgate.cli.write import asking


@click.group(
    "alerts",
    short_help="Write alert rules for Prometheus or Datadog: tighter ones during a release.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate alerts prometheus > headgate.rules.yml`, `headgate alerts datadog`",
)
def command() -> None:
    """Write alerts from the project file's criteria: some hold always, tighter ones only while a release is under way.

    Those are switched by `headgate_release_in_progress`, which Headgate exposes at /metrics.
    """


@options.verb(
    "prometheus",
    "headgate alerts prometheus > headgate.rules.yml",
    "headgate alerts prometheus -e production web --metrics istio",
    "headgate alerts prometheus --match cluster=eu1 | promtool check rules",
)
@options.services
@options.environment
@asking.metrics
@asking.match
@options.as_json
@click.pass_obj
def prometheus(
    session: Session,
    /,
    services: tuple[str, ...],
    environment: str | None,
    metrics: str,
    match: dict[str, str],
    *,
    as_json: bool,
) -> None:
    """Write recording and alerting rules: burn rates over several windows where `error_ratio` has a `max`.

    --metrics says which metrics there are of the traffic: Headgate's own Envoy's, Istio's, or those of OpenTelemetry.
    """
    from headgate.cli.write.rules import rules
    from headgate.config.emit import to_yaml

    found = asking.objectives_asked(session, environment, services)
    document = rules(found, asking.queries(metrics, match))
    if as_json:
        print_json(document)
    else:
        say(to_yaml(document).rstrip())


@options.verb(
    "datadog",
    "headgate alerts datadog > monitors.json",
    "headgate alerts datadog -e production web --operation flask.request --notify @pagerduty-shop",
)
@options.services
@options.environment
@click.option(
    "--operation", default="http.request", help="The operation whose traces are watched (http.request)."
)
@click.option("--notify", default="", metavar="@WHO", help="Who is told, as Datadog writes it.")
@options.as_json
@click.pass_obj
def datadog(
    session: Session,
    /,
    services: tuple[str, ...],
    environment: str | None,
    operation: str,
    notify: str,
    *,
    as_json: bool,  # noqa: ARG001 - it is JSON either way
) -> None:
    """Write monitors: a list of what `POST /api/v1/monitor` takes.

    The tighter ones need Headgate's /metrics in Datadog, as `headgate.release_in_progress` (docs/markers.md).
    """
    from headgate.cli.write.monitors import monitors

    print_json(monitors(asking.objectives_asked(session, environment, services), operation, notify))


command.add_command(prometheus)
command.add_command(datadog)
