"""`headgate abort`."""

import click

from headgate.cli import options
from headgate.cli.run.release import Manner
from headgate.cli.run.steer import Word, give
from headgate.cli.session import Session


@options.verb(
    "abort",
    "headgate abort             the only release under way",
    'headgate abort r7 --reason "a customer called"',
)
@options.release
@options.environment
@options.reason("Why: goes on record.")
@options.as_json
@click.pass_obj
def command(
    session: Session, /, release: str | None, environment: str | None, reason: str, *, as_json: bool
) -> None:
    """Undo a release that is under way, and stay until users are back on the old version.

    Exits with 0 when that is done. A release that has ended is undone by `headgate rollback`.
    """
    word = Word("abort", release, environment, reason)
    click.get_current_context().exit(give(session, word, Manner(as_json=as_json)))
