"""Sign-in by an identity provider, from the options of `headgate up`: who signs in, and with which role."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from headgate.cli.errors import Unable
from headgate.core.model import SecretSource
from headgate.homes import make_home, people_of
from headgate.web.entrance import OpenId

Callback = TypeVar("Callback", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_OPTIONS = (
    click.option("--oidc-issuer", "issuer", metavar="URL", help="People sign in there (OpenID Connect)."),
    click.option("--oidc-client-id", "client_id", metavar="ID", help="As what the issuer knows Headgate."),
    click.option(
        "--oidc-secret-file",
        "secret_file",
        type=_FILE,
        help="Where the client's secret is; read when it is used.",
    ),
    click.option(
        "--oidc-secret-env", "secret_env", metavar="NAME", help="Or the environment variable that holds it."
    ),
    click.option(
        "--people", type=_FILE, help="Who of them comes in, with which role (YAML or JSON); kept in the home."
    ),
    click.option("--no-oidc", "nobody", is_flag=True, help="Nobody comes in by an issuer (any more)."),
)
NAMES = ("issuer", "client_id", "secret_file", "secret_env", "people", "nobody")


def options(function: Callback) -> Callback:
    """The options of `headgate up` that are about people."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def declared(home: Path, before: OpenId | None, said: dict[str, Any]) -> OpenId | None:
    """What holds from now on; `said` is what was given of NAMES. Writes nothing. Raises Unable, Shut, ConfigError."""
    if "nobody" in said:
        if len(said) > 1:
            raise Unable("`--no-oidc` takes away what the other options declare", "give one or the other")
        return None
    issuer = said.get("issuer", before.issuer if before else "")
    if not issuer:
        raise Unable(
            "nobody vouches for people yet", "name the issuer: `--oidc-issuer URL --oidc-client-id ID`"
        )
    same = before is not None and before.issuer == issuer
    client = said.get("client_id", before.client_id if before and same else "")
    secret = _secret(said) or (before.secret if before and same else None)  # never one issuer's to another
    openid = OpenId(issuer, client, secret)
    openid.check()
    _check_people(home, said.get("people"))
    return openid


def keep_people(home: Path, given: Path | None) -> bool:
    """Keep a copy in the home, for its owner only; True when it says something else than before."""
    if given is None:
        return False
    kept, content = people_of(home), given.read_bytes()
    if kept.exists() and (given.samefile(kept) or kept.read_bytes() == content):
        return False
    make_home(home)
    new = kept.with_suffix(f".{os.getpid()}.new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    new.replace(kept)
    return True


def _check_people(home: Path, given: Path | None) -> None:
    from headgate.config.people import load_people

    if given is None and not people_of(home).exists():
        raise Unable(
            "the issuer would vouch for people, and nobody could come in: no role is given to anybody",
            "say who comes in: `--people people.yaml`, which holds `roles: {release-managers: approver}`",
        )
    load_people(given or people_of(home))


def _secret(said: dict[str, Any]) -> SecretSource | None:
    from headgate.ports.errors import Permanent
    from headgate.ports.secrets import read_secret

    file, variable = said.get("secret_file"), said.get("secret_env")
    if file is None and variable is None:
        return None
    if file is not None and variable is not None:
        raise Unable("a secret is in one place", "give `--oidc-secret-file` or `--oidc-secret-env`")
    if variable is not None and not _VARIABLE.fullmatch(variable):
        raise Unable(
            "`--oidc-secret-env` takes the name of a variable (letters, digits and _), never the secret itself"
        )
    source = (
        SecretSource("file", str(file.absolute())) if file is not None else SecretSource("env", str(variable))
    )
    try:
        empty = not read_secret(source)
    except Permanent as error:
        raise Unable(str(error), "nothing was changed") from error
    if empty:
        raise Unable(f"there is no secret in {source.name}: it is empty", "nothing was changed")
    return source
