"""`headgate watch`."""

import click

from headgate.cli import exits, options
from headgate.cli.ask.follow import Follower
from headgate.cli.ask.names import release_named, under_way
from headgate.cli.errors import Unable
from headgate.cli.run.release import print_end, steering_of
from headgate.cli.run.views import Stream, view
from headgate.cli.run.watch import Watch
from headgate.cli.screen import print_line
from headgate.cli.session import Session
from headgate.core.model.summary import Summary


@options.verb(
    "watch",
    "headgate watch            the release under way",
    "headgate watch r7         this one, also when it has ended",
    "headgate watch --json     a stream: one JSON object a line, the report last",
)
@options.release
@options.environment
@options.wait
@options.as_json
@click.pass_obj
def command(
    session: Session, /, release: str | None, environment: str | None, *, wait: bool, as_json: bool
) -> None:
    """Follow a release as it goes on; only look. The exit code is that of `deploy`."""
    summary = _which(session, release, environment)
    follower = Follower(session.ledger, summary.release)
    shown = Stream() if as_json else view(as_json=False)
    try:
        if summary.outcome is None and not steering_of(session).running():
            shown.note("No controller runs: nothing moves. `headgate up` starts one.")
        end = Watch(follower, shown, None).run(wait=wait)
    finally:
        shown.close()
    if as_json:
        report = follower.fold.report()
        print_line(report)
        code = exits.INTERRUPTED if end == "left" else exits.OF_OUTCOME[report.outcome]
    else:
        code = print_end(session.ledger, follower.fold, end, steers=False, as_json=False)
    click.get_current_context().exit(code)


def _which(session: Session, release: str | None, environment: str | None) -> Summary:
    if release is not None:
        return release_named(session.ledger, release)
    found = under_way(session.ledger, environment) or session.ledger.summaries(
        environment=environment, limit=1
    )
    if not found:
        raise Unable("nothing was released yet", "`headgate deploy` begins")
    return found[0]
