"""`headgate up`."""

import asyncio

import click

from headgate.cli import options
from headgate.cli.screen import patience, print_json, say
from headgate.cli.session import Session


@options.verb(
    "up",
    "headgate up                  then `headgate deploy --detach` needs no terminal",
    "headgate --home /srv/shop up",
)
@options.as_json
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Start the controller as a daemon: it carries releases on, and watches them, without a terminal."""
    from headgate import wiring

    with patience("starting the controller ...", quiet=as_json):
        found = asyncio.run(wiring.up(session.home))
    if as_json:
        print_json(found)
    elif found["controller"]:
        say(f"The controller runs, in {found['home']}. `headgate down` stops it.")
    else:
        say(f"The controller is starting, in {found['home']}; its log is log/controller.log there.")
