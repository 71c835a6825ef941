"""`headgate hook add`, `list`, `remove`."""

from collections.abc import Callable
from typing import Any

import click

from headgate.cli import options
from headgate.cli.render import words
from headgate.cli.run.keep import keep
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session

VENDORS = ("github", "gitlab", "gitea", "bitbucket", "alertmanager")
DEEDS = ("pause", "abort", "freeze", "note")
SEVERITIES = ("info", "warning", "critical")


@click.group(
    "hook",
    short_help="Let Git hosts and Alertmanager send their news; list and remove hooks.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate hook add pager --from alertmanager --env production`, `headgate hook list`",
)
def command() -> None:
    """Other systems send their news to the front door. Each proves itself by a secret, and counts where declared."""


def _many(what: str, *names: str) -> Callable[[options.Callback], options.Callback]:
    return click.option(*names, multiple=True, metavar="NAME", help=f"Only this {what}; may be repeated.")


@options.verb(
    "add",
    "headgate hook add pager --from alertmanager --env production",
    "headgate hook add pager --from alertmanager --env production --does freeze --severity warning",
    "headgate hook add pushes --from github --env staging --env production --project shop",
)
@click.argument("name")
@click.option(
    "--from", "vendor", type=click.Choice(VENDORS), required=True, help="Who sends; Forgejo is `gitea`."
)
@click.option(
    "-e",
    "--env",
    "--environment",
    "environments",
    multiple=True,
    required=True,
    metavar="NAME",
    help="What it says counts there, and nowhere else; may be repeated.",
)
@_many("project", "--project", "projects")
@_many("service", "--service", "services")
@click.option(
    "--does",
    type=click.Choice(DEEDS),
    help="What an alert leads to: it pauses what is under way (as it does without this option), takes it back, "
    "freezes while it fires, or is noted.",
)
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="critical",
    show_default=True,
    help="Alerts from this severity on.",
)
@options.as_json
@click.pass_obj
def add(session: Session, /, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """Let another system send its news. The secret is made here, and shown this once; NAME is part of the address."""
    made = keep(session, "addHook", "POST /v1/hooks", given)
    from headgate.web.entrance import address_of

    url = (address_of(session.home) or "http://HOST:PORT").removesuffix("/") + made["path"]
    if as_json:
        print_json(made | {"url": url})
        return
    say(made["secret"])
    say(f"The secret is shown this once. Deliveries go to {url}", err=True)


@options.verb("list", "headgate hook list", "headgate hook list --json")
@options.as_json
@click.pass_obj
def listing(session: Session, /, *, as_json: bool) -> None:
    """The hooks there are, without their secrets, and when they were heard of last."""
    hooks: list[dict[str, Any]] = keep(session, "listHooks", "GET /v1/hooks")["hooks"]
    if as_json:
        print_json(hooks)
        return
    for hook in hooks:
        say(f"{hook['hook']}  {hook['vendor']}, {_scope(hook)}: {_deed(hook)}; {_standing(hook)}")
    if not hooks:
        say("There is no hook. `headgate hook add NAME --from VENDOR --env NAME` adds one.")


@options.verb("remove", "headgate hook remove pager")
@click.argument("name")
@options.as_json
@click.pass_obj
def remove(session: Session, /, name: str, *, as_json: bool) -> None:
    """Take nothing from there any more, and lift what it froze."""
    removed = keep(session, "removeHook", f"DELETE /v1/hooks/{options.in_path(name)}", None, {"hook": name})
    if as_json:
        print_json(removed)
    else:
        say(f"{removed['hook']} is removed.")


def _scope(hook: dict[str, Any]) -> str:
    return ", ".join([*hook["projects"], *hook["environments"], *hook["services"]])


def _deed(hook: dict[str, Any]) -> str:
    return hook["does"] if hook["vendor"] != "alertmanager" else f"{hook['does']} from {hook['severity']} on"


def _standing(hook: dict[str, Any]) -> str:
    if hook["trouble"]:
        return str(hook["trouble"])
    if hook["last_at"] is None:
        return "nothing came yet"
    fires = f"; fires: {', '.join(hook['firing'])}" if hook["firing"] else ""
    return f"{hook['received']} came, the last {words.day(hook['last_at'])}{fires}"


for part in (add, listing, remove):
    command.add_command(part)
