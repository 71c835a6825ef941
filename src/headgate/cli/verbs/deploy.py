"""`headgate deploy`."""

from dataclasses import dataclass
from typing import Any

import click
from msgspec.structs import replace

from headgate.cli import exits, options
from headgate.cli.ask.drift import drift_of
from headgate.cli.ask.request import Asked, Request, ask
from headgate.cli.render import words
from headgate.cli.render.status import told
from headgate.cli.run.release import RunMode, run_release
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session, person
from headgate.core.model import Intent
from headgate.ledger.projections import fleet_of


@options.verb(
    "deploy",
    "headgate deploy                                build, then release, by the plan in headgate.yaml",
    "headgate deploy -e production web --label v2   one service, under a name",
    "headgate deploy --artifact v2 -e production    the artifact that staging has proven",
    'headgate deploy --retry "the cache was cold"   what was rolled back before',
    "headgate deploy --json > report.json           in a pipeline: the exit code says how it ended",
)
@options.services
@options.environment
@click.option(
    "--artifact", metavar="NAME", default="", help="A digest, its beginning, or a label; default: build."
)
@options.label("What people shall call this version.")
@options.reason("Why: goes on record.")
@click.option(
    "--retry", metavar="REASON", default="", help="Deploy what was rolled back before, and say why."
)
@options.break_glass
@options.wait
@options.timeout
@options.detach
@options.as_json
@click.pass_obj
def command(session: Session, /, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """Release a new version: shift traffic to it step by step, judge it by what users see, promote or roll back.

    Without SERVICE, every service of the environment, those first that others need. What runs already is left alone.

    Exit codes: 0 promoted, 2 wrong usage or configuration, 3 refused, 4 rolled back, 5 held for a person, 6 aborted.
    """
    click.get_current_context().exit(_deploy(session, _Given(**given)))


@dataclass(frozen=True)
class _Given:
    """The options."""

    services: tuple[str, ...]
    environment: str | None
    artifact: str
    label: str
    reason: str
    retry: str
    break_glass: str
    wait: bool
    timeout_s: float | None
    detach: bool
    as_json: bool

    @property
    def request(self) -> Request:
        """What to release."""
        return Request(self.environment, self.services, self.artifact, self.label)

    @property
    def mode(self) -> RunMode:
        """How to tell."""
        return RunMode(self.as_json, self.wait, self.timeout_s, self.detach)


def _deploy(session: Session, given: _Given) -> int:
    from headgate.core.release.admission import Words
    from headgate.core.release.submission import Submission

    mode = given.mode
    asked = ask(session, given.request, lambda line: say(f"  build: {line}", err=mode.as_json))
    _tell_unchanged(session, asked, as_json=mode.as_json)
    if not asked.intents:
        return exits.DONE
    submission = Submission(
        intents=_at_once(asked.intents) if given.break_glass else asked.intents,
        policies=asked.policies,
        author=person(),
        reason=given.reason,
        words=Words(given.retry, given.break_glass),
        declared=asked.declared,
    )
    code = run_release(session, submission, mode)
    if not mode.as_json:
        _tell_exposed(session, asked.environment)
    return code


def _tell_exposed(session: Session, environment: str) -> None:
    """Whatever others reach past the proxy is not under its control: whoever has just released it shall know."""
    for one in told(drift_of(session, fleet_of(session.ledger), environment)):
        if one.kind == "exposed":
            say(f"{one.subject}: {one.sentence}")


def _at_once(intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
    """The glass is broken: everybody gets it now, whatever strategy the project declares."""
    return tuple(replace(one, rollout=replace(one.rollout, strategy="all-at-once")) for one in intents)


def _tell_unchanged(session: Session, asked: Asked, *, as_json: bool) -> None:
    """What runs just this version already is not released again; where the world knows better, that is said."""
    drift = drift_of(session, asked.running, asked.environment) if asked.unchanged else ()
    if as_json and not asked.intents:
        print_json(unchanged_report(asked) | {"drift": drift})
        return
    for intent in asked.unchanged:
        run = asked.running[intent.unit]
        version = words.version(intent.candidate, intent.label)
        say(f"{intent.unit} runs {version} already, since {run.release}: nothing to do.", err=as_json)
        for sentence in asked.later.get(intent.unit, ()):
            say(f"{intent.unit.service}: {sentence}.", err=as_json)
    for one in told(drift):
        say(f"{one.subject}: {one.sentence}: `{one.command}`", err=as_json)


def unchanged_report(asked: Asked) -> dict[str, object]:
    """A report of the same shape as a release's, for one that was not needed."""
    digest = asked.unchanged[0].candidate.artifact
    return {
        "release": None,
        "environment": asked.environment,
        "service": ", ".join(intent.unit.service for intent in asked.unchanged),
        "from": digest,
        "to": digest,
        "outcome": "unchanged",
        "reason": "every service runs just this version already",
        "steps": [],
        "bad_requests_served": 0,
        "detected_after_s": None,
        "restored_after_s": None,
    }
