"""`headgate promote`."""

import click

from headgate.cli import options
from headgate.cli.errors import Unable
from headgate.cli.run.release import Manner
from headgate.cli.run.steer import Word, give
from headgate.cli.session import Session


@options.verb(
    "promote",
    'headgate promote r7 --reason "the errors are the crawler\'s"',
)
@options.release
@options.environment
@options.reason("Why: goes on record, and is not optional.")
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
    """Promote a release against or without the judge: all users get the new version now.

    Where no controller runs, this command steers the release on, and follows it to its end.
    """
    if not reason.strip():
        raise Unable("an override is recorded with its reason", 'give one: `--reason "..."`')
    word = Word("promote", release, environment, reason)
    click.get_current_context().exit(give(session, word, Manner(as_json=as_json, wait=wait)))
