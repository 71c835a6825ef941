"""`headgate down`."""

import asyncio

import click

from headgate.cli import exits, options
from headgate.cli.ask.names import under_way
from headgate.cli.errors import Unable
from headgate.cli.screen import patience, print_json, say
from headgate.cli.session import Session


@options.verb(
    "down",
    "headgate down          the controller only: users notice nothing",
    "headgate down --all    proxy and services too: nobody is served any more",
)
@click.option("--all", "everything", is_flag=True, help="Stop the proxy and every service as well.")
@options.as_json
@click.pass_obj
def command(session: Session, /, *, everything: bool, as_json: bool) -> None:
    """Stop the controller. Services and proxy run on as they are, and `headgate up` carries on from the ledger."""
    from headgate import wiring

    left = [summary.release for summary in under_way(session.ledger)] if session.has_ledger else []
    with patience("stopping ...", quiet=as_json):
        running = asyncio.run(wiring.down(session.home, everything=everything))
    if running:
        raise Unable(
            "\n  ".join(
                ["not everything is stopped:" if everything else "the controller is not stopped:", *running]
            ),
            "end these processes, then run it again",
            code=exits.INTERNAL,
        )
    if as_json:
        print_json({"home": str(session.home), "everything": everything, "under_way": left})
        return
    say("Everything is stopped." if everything else "The controller is stopped; services and proxy run on.")
    for release in left:
        say(f"{release} stands still, and nobody watches it, until `headgate up`.")
