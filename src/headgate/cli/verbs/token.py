"""`headgate token issue`, `list`, `revoke`."""

import time
from typing import Any

import click

from headgate.cli import options
from headgate.cli.render import words
from headgate.cli.run.keep import keep
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session

ROLES = ("viewer", "operator", "approver", "admin")


@click.group(
    "token",
    short_help="Give out, list and revoke tokens for the API and the dashboard.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate token issue ci --role operator`, `headgate token list`",
)
def command() -> None:
    """Tokens open the API and the dashboard to others than the home's owner. The ledger keeps their digests only."""


@options.verb(
    "issue",
    "headgate token issue ci --role operator --env staging --expires 90d",
    "headgate token issue grace --role approver",
    "headgate token issue grace-ci --person grace --role operator",
    "TOKEN=$(headgate token issue ci --role operator --json | jq -r .text)",
)
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True, help="What it may do.")
@click.option(
    "-e",
    "--env",
    "--environment",
    "environments",
    multiple=True,
    metavar="NAME",
    help="Only there; may be repeated. Without: everywhere.",
)
@click.option(
    "--expires", "expires_s", metavar="DURATION", callback=options.seconds, help="Good for so long (90d, 8h)."
)
@click.option(
    "--person", default="", help="Whose it is, where NAME says something else: nobody approves their own."
)
@options.as_json
@click.pass_obj
def issue(
    session: Session,
    /,
    name: str,
    role: str,
    environments: tuple[str, ...],
    expires_s: float | None,
    person: str,
    *,
    as_json: bool,
) -> None:
    """Give out a token. Its text is shown this once; NAME is who it is for, and goes on record with what they do."""
    expires_at = None if expires_s is None else time.time() + expires_s
    body = {"name": name, "role": role, "environments": environments, "expires_at": expires_at}
    body |= {"person": person} if person else {}
    issued = keep(session, "issueToken", "POST /v1/tokens", body)
    if as_json:
        print_json(issued)
        return
    say(issued["text"])
    say(
        f"Shown this once. `headgate token revoke {issued['token']}` lets it open nothing any more.", err=True
    )


@options.verb("list", "headgate token list", "headgate token list --json")
@options.as_json
@click.pass_obj
def listing(session: Session, /, *, as_json: bool) -> None:
    """The tokens there were given out, newest first, without their secrets."""
    tokens: list[dict[str, Any]] = keep(session, "listTokens", "GET /v1/tokens")["tokens"]
    if as_json:
        print_json(tokens)
        return
    for token in tokens:
        where = ", ".join(token["environments"]) or "everywhere"
        whose = "" if token["person"] == token["name"] else f" (of {token['person']})"
        say(f"{token['token']}  {token['name']}{whose}  {token['role']}, {where}; {_standing(token)}")
    if not tokens:
        say("No token was given out. `headgate token issue NAME` does.")


@options.verb("revoke", "headgate token revoke 3f9a61c2b0d4")
@click.argument("token", metavar="ID")
@options.as_json
@click.pass_obj
def revoke(session: Session, /, token: str, *, as_json: bool) -> None:
    """Let a token, and every session that it began, open nothing any more. ID is as `headgate token list` shows it."""
    revoked = keep(
        session, "revokeToken", f"DELETE /v1/tokens/{options.in_path(token)}", None, {"token": token}
    )
    if as_json:
        print_json(revoked)
    else:
        say(f"{revoked['token']} ({revoked['name']}) opens nothing any more.")


def _standing(token: dict[str, Any]) -> str:
    if token["revoked_at"] is not None:
        return f"revoked {words.day(token['revoked_at'])}"
    if token["expires_at"] is None:
        return "good until it is revoked"
    return f"{'good until' if token['good'] else 'expired'} {words.day(token['expires_at'])}"


for part in (issue, listing, revoke):
    command.add_command(part)
