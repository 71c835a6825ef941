"""`headgate notify test`."""

import time
from typing import TYPE_CHECKING

import click

from headgate.cli import exits, options
from headgate.cli.ask.names import environment_named, one_of
from headgate.cli.errors import Unable
from headgate.cli.render.tried import tried_lines
from headgate.cli.screen import patience, print_json, say
from headgate.cli.session import Session, person

if TYPE_CHECKING:
    from headgate.core.model import Channel


@click.group(
    "notify",
    short_help="Try the channels that are told of releases.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate notify test`, `headgate notify test ops -e production`",
)
def command() -> None:
    """The channels that are told of releases: `notify` in the project file."""


def _channels(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Complete a channel's name: of the environment that is named already, or of any."""
    from headgate.config import ConfigError

    session = context.find_object(Session) or Session()
    named = context.params.get("environment")
    try:
        environments = session.project.environments.items()
    except (ConfigError, Unable):
        return []
    names = {one for name, found in environments if named in (None, name) for one in found.notify}
    return sorted(name for name in names if name.startswith(begun))


@options.verb(
    "test",
    "headgate notify test                      every channel of the only environment",
    "headgate notify test ops -e production    one of them",
    "headgate notify test -e production --json",
)
@click.argument("channel", required=False, metavar="[CHANNEL]", shell_complete=_channels)
@options.environment
@options.as_json
@click.pass_obj
def test(session: Session, /, channel: str | None, environment: str | None, *, as_json: bool) -> None:
    """Send a message through each channel and say what it answered; exits with 1 when one did not take it.

    Secrets are read here and now: the controller, which may run elsewhere, reads them where it runs.
    """
    from headgate import wiring
    from headgate.config import policies
    from headgate.outbox.trial import trial_message

    project = session.project
    name = environment_named(environment, project.environments)
    channels = _chosen(policies(project, name).audience.channels, channel, name)
    with patience("sending ...", quiet=as_json):
        message = trial_message(project.project, name, person(), time.time())
        tried = wiring.try_channels(session.home, channels, message)
    if as_json:
        print_json({"environment": name, "channels": tried})
    else:
        for line in tried_lines(tried):
            say(line)
    failed = any(not one.ok for one in tried)
    click.get_current_context().exit(exits.INTERNAL if failed else exits.DONE)


command.add_command(test)


def _chosen(channels: "tuple[Channel, ...]", asked: str | None, environment: str) -> "tuple[Channel, ...]":
    if not channels:
        raise Unable(
            f"the environment `{environment}` tells nobody of its releases",
            "`headgate schema` and docs/notify.md show how: `notify` in the project file",
        )
    if asked is None:
        return channels
    one_of(asked, (channel.name for channel in channels), "channel")
    return tuple(channel for channel in channels if channel.name == asked)
