"""`headgate up`."""

import asyncio
import os
from pathlib import Path

import click

from headgate.cli import exits, options
from headgate.cli.errors import Unable
from headgate.cli.screen import patience, print_json, say
from headgate.cli.session import Session

LOG_LINES = 15
LOG_BYTES = 8192
"""How much of its log is shown when the controller does not answer."""


@options.verb(
    "up",
    "headgate up                  then `headgate deploy --detach` needs no terminal",
    "headgate --home /srv/shop up",
)
@options.as_json
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Start the controller as a daemon: it carries releases on, and watches them, without a terminal.

    Returns when the controller answers; where it does not within 15 seconds, the exit code is 1.
    """
    from headgate import wiring

    with patience("starting the controller ...", quiet=as_json):
        found = asyncio.run(wiring.up(session.home))
    if not found["controller"]:
        raise Unable(_silent(session.home), "`headgate down` stops what tries to start", code=exits.INTERNAL)
    if as_json:
        print_json(found)
    else:
        say(f"The controller runs, in {found['home']}. `headgate down` stops it.")


def _silent(home: Path) -> str:
    """That no controller answers, and the end of its log."""
    log = home / "log" / "controller.log"
    what = f"the controller of {home} was started and does not answer"
    try:
        with log.open("rb") as written:
            size = written.seek(0, os.SEEK_END)
            written.seek(max(0, size - LOG_BYTES))
            end = written.read().decode(errors="replace").splitlines()[-LOG_LINES:]
    except OSError:
        end = []
    return "\n  ".join([f"{what}; {log} ends with:", *end]) if end else f"{what}; there is nothing in {log}"
