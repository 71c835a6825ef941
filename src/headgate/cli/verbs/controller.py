"""`headgate controller`: what the process daemon runs; people use `headgate up`."""

import asyncio

import click

from headgate.cli import options
from headgate.cli.session import Session


@options.verb(
    "controller",
    "headgate --home /srv/shop/.headgate controller",
)
@click.pass_obj
def command(session: Session, /) -> None:
    """Be the controller of a home, in this process, until SIGTERM or SIGINT."""
    from headgate import wiring

    asyncio.run(wiring.serve(session.home))
