"""`headgate explain`."""

import click

from headgate.cli import options
from headgate.cli.ask.follow import labels_of, read_fold
from headgate.cli.ask.names import release_named
from headgate.cli.errors import Unable
from headgate.cli.screen import draw, print_json, say
from headgate.cli.session import Session
from headgate.core.again.counterfactual import counterfactual
from headgate.core.story.explain import explain


@options.verb(
    "explain",
    "headgate explain         the latest release",
    "headgate explain r7",
    "headgate explain r7 --json",
)
@options.release
@options.environment
@options.as_json
@click.pass_obj
def command(session: Session, /, release: str | None, environment: str | None, *, as_json: bool) -> None:
    """Why a release was decided as it was: what happened in sentences, ● what mattered, and the numbers behind it."""
    name = _which(session, release, environment)
    sentences = explain(entry.event for entry in session.ledger.read(name))
    fold = read_fold(session.ledger, name)
    otherwise = counterfactual((entry.event for entry in session.ledger.read(name)), session.ledger.sample)
    if as_json:
        verdict = fold.last.verdict if fold.last else None
        document = {"report": fold.report(), "sentences": sentences, "verdict": verdict}
        print_json({**document, "counterfactual": otherwise} if otherwise else document)
        return
    from headgate.cli.render.story import story

    draw(story(fold, sentences, labels_of(session.ledger, fold)))
    if otherwise:
        say(f"\n{otherwise}")


def _which(session: Session, release: str | None, environment: str | None) -> str:
    if release is not None:
        return release_named(session.ledger, release).release
    latest = session.ledger.summaries(environment=environment, limit=1)
    if not latest:
        raise Unable("nothing was released yet", "`headgate deploy` begins")
    return latest[0].release
