"""Sign-in by an identity provider, wired from the home's files."""

from dataclasses import replace
from pathlib import Path

import msgspec

from headgate.core.home.identity import People
from headgate.homes import people_of
from headgate.ports import Permanent
from headgate.ports.registry import create
from headgate.ports.web import Web
from headgate.web.doors.vouching import Vouching
from headgate.web.entrance import OpenId, Vouch
from headgate.wiring.telling import telling_wires

ISSUER = "openid"


def vouching(home: Path, web: Web) -> Vouch:
    """How people come in whom an issuer vouches for; who of them does is read from the home whenever it changed."""
    seen: list[tuple[tuple[int, ...], People]] = []

    def people() -> People:
        known = _state(people_of(home))
        if not seen or seen[0][0] != known:
            seen[:] = [(known, read())]
        return seen[0][1]

    def read() -> People:
        from headgate.config.people import load_people
        from headgate.config.problems import ConfigError

        try:
            return load_people(people_of(home))
        except ConfigError as error:
            raise Permanent("; ".join(map(str, error.problems))) from None

    def vouch(openid: OpenId, door: str) -> Vouching:
        settings = msgspec.to_builtins(openid)
        wires = replace(telling_wires(home, web), name=openid.issuer, settings=settings)
        return Vouching(create("issuers", ISSUER, wires), people, door)

    return vouch


def _state(path: Path) -> tuple[int, ...]:
    """What is another one as soon as the file is."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
