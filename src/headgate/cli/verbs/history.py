"""`headgate history`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from headgate.cli import options
from headgate.cli.ask.follow import labels_of, read_fold
from headgate.cli.ask.names import one_of, release_named
from headgate.cli.screen import draw, print_json, say
from headgate.cli.session import Session
from headgate.core.model.summary import Summary

OUTCOMES = ("promoted", "rolled_back", "refused", "aborted")
PAGE = 200


@options.verb(
    "history",
    "headgate history                          the last 20 releases",
    "headgate history -e production --limit 5",
    "headgate history --outcome rolled_back",
    "headgate history r7                       one release, from its request to its end",
)
@options.release
@options.environment
@click.option("--service", metavar="NAME", help="Only releases that moved this service.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only releases that ended like this.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="So many at most."
)
@options.as_json
@click.pass_obj
def command(session: Session, /, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """The releases there were, newest first: what moved, how it ended and why, by whom."""
    _show(session, _Given(**given))


@dataclass(frozen=True)
class _Given:
    release: str | None
    environment: str | None
    service: str | None
    outcome: str | None
    limit: int
    as_json: bool


def _show(session: Session, given: _Given) -> None:
    if given.release is not None:
        _show_one(session, release_named(session.ledger, given.release).release, as_json=given.as_json)
        return
    found = list(_chosen(session, given))
    if not found:
        _check_names(session, given)
    if given.as_json:
        print_json(found)
    elif not found:
        say("There is no such release.")
    else:
        from headgate.cli.render.history import history

        draw(history(found))


def _show_one(session: Session, release: str, *, as_json: bool) -> None:
    fold = read_fold(session.ledger, release)
    if as_json:
        print_json(fold.report())
        return
    from headgate.cli.render.summary import summary
    from headgate.ledger.going_back import can_be_undone

    undoable = fold.state.outcome == "promoted" and can_be_undone(session.ledger, release)
    draw(summary(fold, labels_of(session.ledger, fold), undoable=undoable))


def _chosen(session: Session, given: _Given) -> Iterator[Summary]:
    """Page by page, so that a filter that fits little does not load a whole ledger at once."""
    before: str | None = None
    left = given.limit
    while left:
        page = session.ledger.summaries(
            environment=given.environment, service=given.service, limit=PAGE, before=before
        )
        for summary in page:
            if left and given.outcome in (None, summary.outcome):
                left -= 1
                yield summary
        if len(page) < PAGE:
            return
        before = page[-1].release


def _check_names(session: Session, given: _Given) -> None:
    """Nothing was found: was it for a name that there is not? Raises Unable then."""
    recent = session.ledger.summaries(limit=10 * PAGE)
    if given.environment is not None:
        one_of(given.environment, (summary.environment for summary in recent), "environment")
    if given.service is not None:
        one_of(given.service, (move.unit.service for summary in recent for move in summary.moves), "service")
