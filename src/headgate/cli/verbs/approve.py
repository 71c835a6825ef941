"""`headgate approve`."""

import click

from headgate.cli import options
from headgate.cli.run.release import Manner
from headgate.cli.run.steer import Word, give
from headgate.cli.session import Session


@options.verb(
    "approve",
    "headgate approve r7",
    'headgate approve r7 --reason "the dashboard looks right"',
)
@options.release
@options.environment
@options.reason("Why: goes on record.")
@options.wait
@options.as_json
@click.pass_obj
def command(
    session: Session,
    /,
    release: str | None,
    environment: str | None,
    reason: str,
    *,
    wait: bool,
    as_json: bool,
) -> None:
    """Say yes to the step that waits for a person.

    Where no controller runs, this command steers the release on, and follows it to its end.
    """
    word = Word("approve", release, environment, reason)
    click.get_current_context().exit(give(session, word, Manner(as_json=as_json, wait=wait)))
