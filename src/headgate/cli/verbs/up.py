"""`headgate up`."""

import asyncio
import os
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from headgate.cli import exits, options
from headgate.cli.ask import people
from headgate.cli.ask.client import Client, NoController
from headgate.cli.errors import Unable
from headgate.cli.screen import patience, print_json, say
from headgate.cli.session import Session
from headgate.homes import make_home, socket_of
from headgate.web.doors.vouching import BACK
from headgate.web.entrance import Shut, address_of, read_entrance, write_entrance

PORT_MAX = 65535
OPENS_NOTHING = frozenset({"reach", "proxies"})
"""What may be said of a door that is declared off, and leaves it so."""

ASK_S = 0.5
"""How long the controller is waited for when it is asked why there is no dashboard."""

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
LOG_LINES = 15
LOG_BYTES = 8192
"""How much of its log is shown when the controller does not answer."""


@options.verb(
    "up",
    "headgate up                  then `headgate deploy --detach` needs no terminal",
    "headgate --home /srv/shop up",
    "headgate up --listen 0.0.0.0:7480 --tls-certificate site.pem --tls-key site.key",
    "headgate up --plain --url https://releases.example.com --trusted-proxy 127.0.0.1    behind a proxy",
    "headgate up --reach 10.20.0.0/16 --reach prometheus.internal",
    "headgate up --oidc-issuer https://login.example.com --oidc-client-id headgate \\",
    "            --oidc-secret-file /etc/headgate/oidc --people people.yaml",
)
@click.option(
    "--listen", metavar="HOST:PORT", help="Where the dashboard and the API are; 127.0.0.1:7480 by default."
)
@click.option("--tls-certificate", "certificate", type=_FILE, help="The certificate (PEM), for TLS.")
@click.option("--tls-key", "key", type=_FILE, help="Its key (PEM).")
@click.option(
    "--plain", is_flag=True, help="Without TLS, though others can reach it: a proxy before it has TLS."
)
@click.option("--url", metavar="URL", help="How people reach it, where a proxy stands before it.")
@click.option("--no-dashboard", "off", is_flag=True, help="No dashboard, and no API but by the unix socket.")
@click.option(
    "--reach",
    metavar="RANGE|HOST",
    multiple=True,
    help="Private addresses that sources and channels declared by the API may reach; `none`: no more.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    metavar="ADDRESS|RANGE",
    multiple=True,
    help="A proxy before it, which is believed for whom it asks (X-Forwarded-For, -Proto); `none`: no more.",
)
@people.options
@options.as_json
@click.pass_obj
def command(session: Session, /, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - click gives what the options declare
    """Start the controller as a daemon: it carries releases on, and watches them, without a terminal.

    Returns when the controller answers and the proxy serves every port that it should; where one of them does not
    within 15 seconds, the exit code is 1. What a process daemon that died has left running is taken over as it is.

    What the options say of the dashboard is kept in the home, for the next time too; the controller starts anew with
    it, and releases under way are carried on.

    With `--oidc-issuer`, people sign in at the dashboard by an OpenID provider. `--people` says who of them comes in:
    `roles: {release-managers: approver}` gives a role to whoever is in that group; nobody else comes in.
    """
    from headgate import wiring

    changed = _declare(session.home, given)
    with patience("starting the controller ...", quiet=as_json):
        if changed:
            asyncio.run(wiring.down(session.home, everything=False))
        found = asyncio.run(wiring.up(session.home))
    if not found["controller"]:
        raise Unable(_silent(session.home), "`headgate down` stops what tries to start", code=exits.INTERNAL)
    address = address_of(session.home)
    if unserved := found.get("unserved"):
        raise Unable(_unserved(unserved), "`headgate status` shows how things stand", code=exits.INTERNAL)
    if as_json:
        print_json(found | {"dashboard": address})
        return
    say(f"The controller runs, in {found['home']}. `headgate down` stops it.")
    say(_where(session.home, address))


def _declare(home: Path, given: dict[str, Any]) -> bool:
    """Write down where the front door shall be; True when that is another place than before. Raises Unable."""
    said = {name: value for name, value in given.items() if value}
    if not said:
        return False
    if "listen" in said:
        said |= _place(said.pop("listen"))
    for name in ("certificate", "key"):
        if name in said:
            said[name] = str(Path(said[name]).absolute())
    for name in OPENS_NOTHING & said.keys():
        said[name] = tuple(one for one in said[name] if one != "none")
    of_people = {name: said.pop(name) for name in people.NAMES if name in said}
    try:
        before = read_entrance(home)
        if of_people:
            said["openid"] = people.declared(home, before.openid, of_people)
        opened = {} if said.keys() <= OPENS_NOTHING else {"off": False}
        after = replace(before, **(opened | said))
        if after != before:
            make_home(home)
            write_entrance(home, after)
    except Shut as shut:
        raise Unable(str(shut), "nothing was changed") from shut
    others = people.keep_people(home, of_people.get("people"))
    return after != before or others


def _place(listen: str) -> dict[str, Any]:
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) <= PORT_MAX:
        raise Unable(f"{listen!r} is no place to listen at", "it is HOST:PORT: 127.0.0.1:7480, [::1]:7480")
    return {"host": host, "port": int(port)}


def _where(home: Path, address: str) -> str:
    try:
        trouble = Client(socket_of(home)).health(ASK_S).trouble.get("dashboard", "")
    except (NoController, Unable):
        trouble = ""
    if not address:
        return f"There is no dashboard{': ' if trouble else '.'}{trouble}"
    lines = [f"Its dashboard: {address}; `headgate dashboard` prints a link that signs you in."]
    openid = read_entrance(home).openid
    if trouble:
        lines.append(f"But {trouble}")
    elif openid is not None:
        lines.append(
            f"People sign in by {openid.issuer}, which must send them back to {address.removesuffix('/')}{BACK}"
        )
    return "\n".join(lines)


def _unserved(troubles: list[dict[str, Any]]) -> str:
    """That the controller runs, and users are not served as they should be."""
    said = [f"{one['about']}: {one['what']}; {one['done']}".removesuffix("; ") for one in troubles]
    return "\n  ".join(["the controller runs, and users are not served:", *said])


def _silent(home: Path) -> str:
    """That no controller answers, and the end of its log."""
    log = home / "log" / "controller.log"
    what = f"the controller of {home} was started and does not answer"
    try:
        with log.open("rb") as written:
            size = written.seek(0, os.SEEK_END)
            written.seek(max(0, size - LOG_BYTES))
            end = written.read().decode(errors="replace").splitlines()[-LOG_LINES:]
    except OSError:
        end = []
    return "\n  ".join([f"{what}; {log} ends with:", *end]) if end else f"{what}; there is nothing in {log}"
