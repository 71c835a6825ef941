"""`headgate retry`."""

from dataclasses import dataclass
from typing import Any

import click

from headgate.cli import exits, options
from headgate.cli.ask.going_back import request_of
from headgate.cli.ask.names import release_named
from headgate.cli.errors import Unable
from headgate.cli.run.release import RunMode, run_release
from headgate.cli.session import Session, person
from headgate.core.release.planning import policies_of


@options.verb(
    "retry",
    'headgate retry r7 --reason "the database was being moved"',
)
@click.argument("release")
@options.reason("Why it will be different this time: goes on record, and is not optional.")
@options.break_glass
@options.wait
@options.timeout
@options.detach
@options.as_json
@click.pass_obj
def command(session: Session, /, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """Ask for the same once more: the same versions, the same rollout, judged anew from the beginning."""
    click.get_current_context().exit(_retry(session, _Given(**given)))


@dataclass(frozen=True)
class _Given:
    release: str
    reason: str
    break_glass: str
    wait: bool
    timeout_s: float | None
    detach: bool
    as_json: bool


def _retry(session: Session, given: _Given) -> int:
    from headgate.core.release.admission import Words
    from headgate.core.release.submission import Submission

    if not given.reason.strip():
        raise Unable("trying again is recorded with its reason", 'give one: `--reason "..."`')
    summary = release_named(session.ledger, given.release)
    if summary.outcome is None:
        hint = f"`headgate watch {summary.release}`"
        raise Unable(f"{summary.release} is still under way", hint, code=exits.REFUSED)
    if summary.outcome == "promoted":
        hint = f"`headgate rollback {summary.release}` goes back to it"
        raise Unable(
            f"{summary.release} was promoted: there is nothing to try again", hint, code=exits.REFUSED
        )
    request = request_of(session.ledger, summary.release)
    submission = Submission(
        intents=request.intents,
        policies=policies_of(request.plan),
        author=person(),
        reason=given.reason,
        words=Words(given.reason, given.break_glass or request.break_glass_reason),
        rollback_to=request.rollback_to,
    )
    return run_release(session, submission, RunMode(given.as_json, given.wait, given.timeout_s, given.detach))
