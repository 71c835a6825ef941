"""`headgate adopt`."""

import asyncio

import click

from headgate.cli import options
from headgate.cli.errors import Unable
from headgate.cli.screen import patience, print_json, say
from headgate.cli.session import Session, person
from headgate.homes.identity import identity


@options.verb(
    "adopt",
    "headgate --home /srv/copy adopt     a copy becomes a home of its own",
    "headgate --home /srv/moved adopt    a home that was moved belongs where it is now",
)
@options.as_json
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Have this home belong where it is now: it is a copy, or was moved.

    Nothing is done from such a home before, for what it has written down was true at the old place. What runs out of a
    moved home is stopped; what a copy names belongs to the original, and runs on. Ledger, artifacts and logs stay, and
    `headgate up` then starts what the ledger says.
    """
    from headgate.wiring.adoption import adopt

    home = session.home
    if not home.is_dir():
        raise Unable(f"there is no home at {home}", "`headgate deploy` makes one; `--home` names another")
    with patience("settling the home ...", quiet=as_json):
        before = asyncio.run(adopt(home, person()))
    known = identity(home)
    if as_json:
        print_json({"home": str(home), "before": before, "epoch": known.epoch if known else None})
        return
    came = f" It belonged to {before} before." if before else ""
    say(f"This home belongs to {home} now.{came} `headgate up` starts what its ledger says.")
