"""`headgate freeze set`, `list`, `lift`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from headgate.cli import options
from headgate.cli.errors import Unable
from headgate.cli.render import words
from headgate.cli.run.keep import keep
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session


@click.group(
    "freeze",
    short_help="Let nothing new begin for a time; list and lift freezes.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Examples: `headgate freeze set --reason "holidays" --until 2027-01-02`, `headgate freeze list`',
)
def command() -> None:
    """While a freeze holds, no release begins. One that is under way goes on, and a rollback is never forbidden."""


def _moment(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A time as people write it (`2026-12-24`, `2026-12-24T18:00`, with a zone or in this machine's)."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone().timestamp()
    except (ValueError, OverflowError) as error:
        detail = f"{value!r} is no time: write it like 2026-12-24T18:00"
        raise click.BadParameter(detail, context, parameter) from error


def _many(option: str, name: str, what: str) -> Callable[[options.Callback], options.Callback]:
    return click.option(
        option, name, multiple=True, metavar="NAME", help=f"Only this {what}; may be repeated."
    )


@options.verb(
    "set",
    'headgate freeze set --reason "the sale" --env production --for 8h',
    'headgate freeze set --reason "holidays" --from 2026-12-23T18:00 --until 2027-01-02',
    'headgate freeze set --reason "an incident" --service web',
)
@click.option("--reason", metavar="TEXT", required=True, help="Why: whoever is refused reads it.")
@_many("--project", "projects", "project")
@click.option(
    "-e",
    "--env",
    "--environment",
    "environments",
    multiple=True,
    metavar="NAME",
    help="Only this environment; may be repeated.",
)
@_many("--service", "services", "service")
@click.option("--from", "begins_at", metavar="TIME", callback=_moment, help="From then on; without, now.")
@click.option(
    "--until", "ends_at", metavar="TIME", callback=_moment, help="Until then; without, until it is lifted."
)
@click.option("--for", "for_s", metavar="DURATION", callback=options.seconds, help="For so long (8h, 3d).")
@options.as_json
@click.pass_obj
def setting(session: Session, /, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """Let nothing new begin: everywhere, or in the projects, environments and services that are named."""
    frozen = keep(session, "setFreeze", "POST /v1/freezes", _Given(**given).body())
    if as_json:
        print_json(frozen)
    else:
        say(f"{frozen['freeze']} {_scope(frozen)}. `headgate freeze lift {frozen['freeze']}` ends it.")


@options.verb("list", "headgate freeze list", "headgate freeze list --all")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@options.as_json
@click.pass_obj
def listing(session: Session, /, *, everything: bool, as_json: bool) -> None:
    """The freezes that hold or will, newest first."""
    freezes: list[dict[str, Any]] = keep(session, "listFreezes", "GET /v1/freezes")["freezes"]
    now = time.time()
    shown = [one for one in freezes if everything or not _over(one, now)]
    if as_json:
        print_json(shown)
        return
    for one in shown:
        state = "over" if _over(one, now) else "holds" if one["active"] else "to come"
        say(f"{one['freeze']}  {state}: {_scope(one)}; {one['reason']} ({one['by']})")
    if not shown:
        say("Nothing is frozen.")


@options.verb("lift", "headgate freeze lift f3")
@click.argument("freeze", metavar="ID")
@options.as_json
@click.pass_obj
def lift(session: Session, /, freeze: str, *, as_json: bool) -> None:
    """End a freeze before its time. ID is as `headgate freeze list` shows it."""
    path = f"DELETE /v1/freezes/{options.in_path(freeze)}"
    lifted = keep(session, "liftFreeze", path, None, {"freeze": freeze})
    if as_json:
        print_json(lifted)
    else:
        say(f"{lifted['freeze']} is lifted.")


@dataclass(frozen=True)
class _Given:
    reason: str
    projects: tuple[str, ...]
    environments: tuple[str, ...]
    services: tuple[str, ...]
    begins_at: float | None
    ends_at: float | None
    for_s: float | None

    def body(self) -> dict[str, object]:
        """What the API is asked. Raises Unable when it has two ends."""
        if self.for_s is not None and self.ends_at is not None:
            raise Unable("a freeze has one end", "give `--until` or `--for`, not both")
        ends_at = self.ends_at
        if self.for_s is not None:
            ends_at = (self.begins_at or time.time()) + self.for_s
        return {
            "reason": self.reason,
            "begins_at": self.begins_at,
            "ends_at": ends_at,
            "projects": self.projects,
            "environments": self.environments,
            "services": self.services,
        }


def _scope(freeze: dict[str, Any]) -> str:
    named = [*freeze["projects"], *freeze["environments"], *freeze["services"]]
    where = ", ".join(named) or "everything"
    until = "until it is lifted" if freeze["ends_at"] is None else f"until {words.day(freeze['ends_at'])}"
    return f"freezes {where} from {words.day(freeze['begins_at'])} {until}"


def _over(freeze: dict[str, Any], now: float) -> bool:
    return freeze["lifted_at"] is not None or (freeze["ends_at"] is not None and freeze["ends_at"] <= now)


for part in (setting, listing, lift):
    command.add_command(part)
