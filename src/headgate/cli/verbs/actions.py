"""The verbs that are one action on a release under way: pause, resume, approve, promote, abort."""

from typing import NamedTuple

import click

from headgate.cli import options
from headgate.cli.errors import Unable
from headgate.cli.run.action import Action, Verb, send
from headgate.cli.run.release import RunMode
from headgate.cli.session import Session


class ActionVerb(NamedTuple):
    """An action with its help and its examples.

    `waits`: there is a `--wait`, for the release goes on. `must_say_why`: without a reason it is refused.
    """

    name: Verb
    help: str
    examples: tuple[str, ...]
    waits: bool = True
    must_say_why: bool = False


_STEERS = """

    Where no controller runs, this command steers the release on, and follows it to its end.
"""

ACTIONS: tuple[ActionVerb, ...] = (
    ActionVerb(
        "pause",
        "Move a release no further until `headgate resume`. It stays watched, and is still undone when it is bad.",
        (
            "headgate pause             the only release under way",
            'headgate pause r7 --reason "waiting for the night shift"',
        ),
        waits=False,
    ),
    ActionVerb(
        "resume",
        "Go on after a pause or a hold: the step that was held begins again." + _STEERS,
        (
            "headgate resume            the only release under way",
            "headgate resume r7 --wait  and stay until it ends",
        ),
    ),
    ActionVerb(
        "approve",
        "Say yes to the step that waits for a person." + _STEERS,
        ("headgate approve r7", 'headgate approve r7 --reason "the dashboard looks right"'),
    ),
    ActionVerb(
        "promote",
        "Promote a release against or without the judge: all users get the new version now." + _STEERS,
        ('headgate promote r7 --reason "the errors are the crawler\'s"',),
        must_say_why=True,
    ),
    ActionVerb(
        "abort",
        """Undo a release that is under way, and stay until users are back on the old version.

    Exits with 0 when that is done. A release that has ended is undone by `headgate rollback`.
    """,
        (
            "headgate abort             the only release under way",
            'headgate abort r7 --reason "a customer called"',
        ),
        waits=False,
    ),
)


def _command(action: ActionVerb) -> click.Command:
    why = "Why: goes on record, and is not optional." if action.must_say_why else "Why: goes on record."

    @options.as_json
    @click.pass_obj
    def run(
        session: Session,
        /,
        release: str | None,
        environment: str | None,
        reason: str,
        *,
        as_json: bool,
        wait: bool = False,
    ) -> None:
        if action.must_say_why and not reason.strip():
            raise Unable("an override is recorded with its reason", 'give one: `--reason "..."`')
        given = Action(action.name, release, environment, reason)
        click.get_current_context().exit(send(session, given, RunMode(as_json=as_json, wait=wait)))

    function = options.wait(run) if action.waits else run
    shared = options.release(options.environment(options.reason(why)(function)))
    return options.verb(action.name, *action.examples, text=action.help)(shared)


COMMANDS: dict[str, click.Command] = {action.name: _command(action) for action in ACTIONS}
