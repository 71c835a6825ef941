"""`headgate secret add`, `list`, `remove`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from headgate.cli import options
from headgate.cli.errors import Unable
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session


@click.group(
    "secret",
    short_help="Declare secrets that releases by the API may name; list and remove them.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate secret list`, `headgate secret add prom --file /etc/headgate/prom --project shop "
    "--used-by prometheus --to prometheus.example.com`",
)
def command() -> None:
    """Whoever comes by the API names no file and no variable of this host, but secrets that you declare for them here.

    What is declared is kept in the home's `secrets.yaml`, which you may edit, too; the secrets themselves stay where
    they are, and are read when they are used.
    """


@options.verb(
    "add",
    "headgate secret add prom --file /etc/headgate/prom --project shop --used-by prometheus --to prom.example.com",
    "headgate secret add ops-url --env OPS_URL --project shop --project blog --used-by ops",
)
@click.argument("name")
@click.option(
    "--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The file that holds it."
)
@click.option(
    "--env", "variable", metavar="NAME", help="Or the variable in the environment of `headgate up`."
)
@click.option(
    "--project",
    "projects",
    multiple=True,
    required=True,
    metavar="NAME",
    help="For this project; may be repeated.",
)
@click.option(
    "--used-by",
    "used_by",
    multiple=True,
    required=True,
    metavar="NAME",
    help="For the source, channel or marker called so; may be repeated.",
)
@click.option(
    "--to",
    multiple=True,
    metavar="HOST",
    help="It may be sent there; may be repeated. Without: nowhere, for a secret that is an address itself.",
)
@options.as_json
@click.pass_obj
def add(session: Session, /, name: str, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """Declare a secret, or declare it anew: where it is, what it is for, and where it may be sent."""
    said: dict[str, Any] = {}
    if given["file"] is not None:
        said["file"] = str(given["file"].absolute())
    if given["variable"] is not None:
        said["env"] = given["variable"]
    if len(said) != 1:
        raise Unable("a secret is in one place", "give `--file` or `--env`")
    said |= {"projects": list(given["projects"]), "used_by": list(given["used_by"]), "to": list(given["to"])}
    _keep(session, _shown(session) | {name: said})
    if as_json:
        print_json({"secret": name} | said)
    else:
        say(f"{name} is declared: what comes in by the API names it by `{{kind: secret, name: {name}}}`.")


@options.verb("list", "headgate secret list", "headgate secret list --json")
@options.as_json
@click.pass_obj
def listing(session: Session, /, *, as_json: bool) -> None:
    """The secrets that are declared: where each is, and never what it is."""
    found = _shown(session)
    if as_json:
        print_json([{"secret": name} | said for name, said in found.items()])
        return
    for name, said in found.items():
        place = said.get("file") or f"${said['env']}"
        whose = f"{', '.join(said['used_by'])} of {', '.join(said['projects'])}"
        say(f"{name}  {place}; for {whose}; to {', '.join(said['to']) or 'nowhere'}")
    if not found:
        say("No secret is declared. `headgate secret add NAME --file PATH ...` declares one.")


@options.verb("remove", "headgate secret remove prom")
@click.argument("name")
@options.as_json
@click.pass_obj
def remove(session: Session, /, name: str, *, as_json: bool) -> None:
    """Declare a secret no longer: whoever names it reads it no more, from now on."""
    found = _shown(session)
    if name not in found:
        raise Unable(f"no secret is called {name!r}", "`headgate secret list` shows those that are declared")
    said = found.pop(name)
    _keep(session, found)
    if as_json:
        print_json({"secret": name} | said)
    else:
        say(f"{name} is declared no more; the secret itself is where it was.")


def _shown(session: Session) -> dict[str, dict[str, Any]]:
    """What is declared, as the file says it. Raises ConfigError."""
    from headgate.config.secrets import load_secrets
    from headgate.homes import secrets_of

    return {
        name: {
            one.source.kind: one.source.name,
            "projects": list(one.projects),
            "used_by": list(one.used_by),
            "to": list(one.to),
        }
        for name, one in load_secrets(secrets_of(session.home)).items()
    }


def _keep(session: Session, declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the file as a whole, for its owner only. Raises ConfigError, and writes nothing then."""
    from headgate.config.emit import to_yaml
    from headgate.config.secrets import secrets_in
    from headgate.homes import make_home, secrets_of

    path = secrets_of(session.home)
    text = to_yaml({"secrets": declared})
    secrets_in(text, str(path))
    make_home(session.home)
    new = path.with_suffix(f".{os.getpid()}.new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


for part in (add, listing, remove):
    command.add_command(part)
