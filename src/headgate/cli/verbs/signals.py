"""`headgate signals test`."""

import click

from headgate.cli import exits, options
from headgate.cli.ask.forecast import intents_of
from headgate.cli.ask.sources import try_sources, versions_of
from headgate.cli.errors import Unable
from headgate.cli.render.history import sources_lines
from headgate.cli.screen import page, patience, print_json, say, say_painted
from headgate.cli.session import Session


@click.group(
    "signals",
    short_help="Try the sources that releases are measured by.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate signals test`, `headgate signals test web -e production`",
)
def command() -> None:
    """The sources that releases are measured by: `signals` in the project file."""


@options.verb(
    "test",
    "headgate signals test                          everything that runs in the only environment",
    "headgate signals test -e production web        one service",
    "headgate signals test web --version 3f9a61c2   a version that ran before",
    "headgate signals test --json",
)
@options.services
@options.environment
@click.option("--version", "key", metavar="KEY", help="A version by its key, in place of what runs.")
@options.as_json
@click.pass_obj
def test(
    session: Session, /, services: tuple[str, ...], environment: str | None, key: str | None, *, as_json: bool
) -> None:
    """Ask each source each of its questions, for each version that runs, and say what is wrong; then exits with 1.

    Secrets are read here and now: the controller, which may run elsewhere, reads them where it runs.
    """
    from headgate import wiring

    intents = [intent for intent in intents_of(session, environment, services) if intent.sources]
    if not intents:
        raise Unable(
            "no source is declared: releases are measured by the proxy alone",
            "docs/signals.md shows how: `signals` of a service in the project file",
        )
    asked = [(intent, versions_of(session, intent.unit, key)) for intent in intents]
    idle = [intent.unit.service for intent, versions in asked if not versions]
    if len(idle) == len(asked):
        raise Unable(
            f"nothing of {', '.join(idle)} runs yet",
            "after the first `headgate deploy` there is something to ask about",
        )
    world = wiring.build_world(session.home, wiring.open_processes(session.home))
    with patience("asking ...", quiet=as_json):
        tried = try_sources(world.open_source, world.close, asked)
    wrong = sum(not one.ok for one in tried)
    if as_json:
        print_json(
            [
                {
                    "unit": str(one.unit),
                    "ok": one.ok,
                    "source": one.source,
                    "kind": one.kind,
                    "arm": one.arm,
                    "version": one.version,
                    "looks": one.looks,
                }
                for one in tried
            ]
        )
    else:
        for line in sources_lines(tried, page()[1]):
            say_painted(line)
        for service in idle:
            say(f"nothing of {service} runs yet")
        if wrong:
            say(f"{wrong} of {len(tried)} are not as they should be.")
    click.get_current_context().exit(exits.INTERNAL if wrong else exits.DONE)


command.add_command(test)
