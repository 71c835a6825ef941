"""`headgate resume`."""

import click

from headgate.cli import options
from headgate.cli.run.release import Manner
from headgate.cli.run.steer import Word, give
from headgate.cli.session import Session


@options.verb(
    "resume",
    "headgate resume            the only release under way",
    "headgate resume r7 --wait  and stay until it ends",
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
    """Go on after a pause or a hold: the step that was held begins again.

    Where no controller runs, this command steers the release on, and follows it to its end.
    """
    word = Word("resume", release, environment, reason)
    click.get_current_context().exit(give(session, word, Manner(as_json=as_json, wait=wait)))
