"""`headgate pause`."""

import click

from headgate.cli import options
from headgate.cli.run.release import Manner
from headgate.cli.run.steer import Word, give
from headgate.cli.session import Session


@options.verb(
    "pause",
    "headgate pause             the only release under way",
    'headgate pause r7 --reason "waiting for the night shift"',
)
@options.release
@options.environment
@options.reason("Why: goes on record.")
@options.as_json
@click.pass_obj
def command(
    session: Session, /, release: str | None, environment: str | None, reason: str, *, as_json: bool
) -> None:
    """Move a release no further until `headgate resume`. It stays watched, and is still undone when it is bad."""
    word = Word("pause", release, environment, reason)
    click.get_current_context().exit(give(session, word, Manner(as_json=as_json)))
