"""`headgate dashboard`."""

import click

from headgate.cli import exits, options
from headgate.cli.ask.client import Client, NoController
from headgate.cli.errors import Unable
from headgate.cli.render import words
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session
from headgate.homes import socket_of


@options.verb("dashboard", "headgate dashboard", "headgate dashboard --json")
@options.as_json
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Print a link that opens the dashboard in a browser, signed in as the home's owner: once, and soon.

    Others sign in with a token: `headgate token issue NAME`.
    """
    client = Client(socket_of(session.home))
    try:
        link = client.ask("POST", "/v1/sign-in-links")
    except NoController as error:
        raise Unable(
            "no controller runs, so there is no dashboard", "`headgate up` starts one", code=exits.REFUSED
        ) from error
    if not link["url"]:
        trouble = client.health().trouble.get("dashboard", "")
        hint = "`headgate up --listen 127.0.0.1:7480` opens it"
        raise Unable(trouble or "the dashboard is off", hint, code=exits.REFUSED)
    address = f"{link['url'].rstrip('/')}{link['path']}"
    if as_json:
        print_json({"url": address, "good_for_s": link["good_for_s"]})
        return
    say(address)
    say(f"It opens once, within {words.span(link['good_for_s'])}.", err=True)
