"""The address of the front door: the home's `web.json` holds it, and whoever starts the controller may change it.

Loopback by default. Beyond it the door stays shut unless it has TLS, or somebody said in so many words that it needs
none (a proxy in front does it).
"""

import contextlib
import ipaddress
import os
import socket
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from headgate.core.model import SecretSource
from headgate.ports.errors import UNREADABLE, PortError, why
from headgate.ports.issuer import guarded
from headgate.ports.reach import Bounds, bounds_of
from headgate.web.application import WebServices, behind_door
from headgate.web.doors.vouching import Vouching
from headgate.web.http.serve import Tls, serving, tcp_listener
from headgate.web.pages.pages import Pages

PORT_MAX = 65535
PORT = 7480
"""The default; where it is taken and nobody asked for it, another one is found, and kept."""

PROXIES_MAX = 2**16
"""A range of proxies has no more addresses."""

FILE = "web.json"
ADDRESS = "web.address"
LAST_PORT = "web.port"
"""The port that the door found last: pages that are open look for Headgate there again after a restart."""


class Shut(Exception):  # noqa: N818 - a fact about the door
    """The door cannot be opened as it is declared. The message says what to change."""


class OpenId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The issuer that vouches for people, and as what it knows us. `secret` is where it is read; None: there is none.

    Who of those people comes in is said by the home's `people.yaml`.
    """

    issuer: str
    client_id: str
    secret: SecretSource | None = None

    def check(self) -> None:
        """Raises Shut."""
        parts = urlsplit(self.issuer) if guarded(self.issuer) else None
        if parts is None or parts.query or parts.fragment or parts.username is not None:
            raise Shut(
                f"{self.issuer!r} is no issuer: it is a URL with https:// (http:// on this machine only), without `?` "
                "and `#`, and to the letter what the issuer calls itself"
            )
        if not self.client_id or not self.client_id.isprintable():
            raise Shut("the issuer knows Headgate by a name: `--oidc-client-id ID`")


class Entrance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `web.json` holds. `port` None: PORT, or any free one. `off`: there is no door but the unix socket.

    `certificate` and `key` are files (PEM); `plain` is the word that TLS is somebody else's business; `url` is how
    people reach the door where a proxy stands before it; `openid` lets people in whom an issuer vouches for.
    `reach` are the ranges, addresses and hosts that what comes in by the door may reach beside everybody's.
    `proxies` are the addresses and ranges of the proxies before the door: what those say of who asks, and whether they
    were asked by TLS, is believed (`X-Forwarded-For`, `X-Forwarded-Proto`), and of nobody else.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    certificate: str = ""
    key: str = ""
    plain: bool = False
    url: str = ""
    off: bool = False
    openid: OpenId | None = None
    reach: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises Shut."""
        self.bounds()
        self._check_proxies()
        if bool(self.certificate) != bool(self.key):
            raise Shut("TLS needs both a certificate and its key: `--tls-certificate FILE --tls-key FILE`")
        if not self.certificate and not self.plain and not _loopback(self.host):
            raise Shut(
                f"{self.host} can be reached from elsewhere, so it needs TLS (`--tls-certificate`, `--tls-key`), "
                "or the word that a proxy before it has TLS (`--plain`)"
            )
        if self.openid is not None:
            self.openid.check()
            self._check_way_back()

    def bounds(self) -> Bounds:
        """How far connections may go. Raises Shut."""
        try:
            return bounds_of(self.reach)
        except ValueError as error:
            raise Shut(f"`--reach`: {error}") from None

    def _check_proxies(self) -> None:
        """Raises Shut."""
        for one in self.proxies:
            try:
                wide = ipaddress.ip_network(one).num_addresses > PROXIES_MAX
            except ValueError:
                raise Shut(
                    f"`--trusted-proxy`: {one!r} is no address and no range (10.0.0.7, 10.0.0.0/24)"
                ) from None
            if wide:
                raise Shut(
                    f"`--trusted-proxy`: {one} is everybody: name the proxies that stand before the door"
                )

    def _check_way_back(self) -> None:
        """Raises Shut: the issuer must be able to send a browser back here, and nobody may listen on the way."""
        if self.url and not guarded(self.url):
            raise Shut(
                f"people come back from the issuer to {self.url}: signing in there needs https:// (`--url`)"
            )
        if not self.url and _everywhere(self.host):
            raise Shut(
                f"{self.host} is no address that a browser can come back to from the issuer: say how people reach it "
                "(`--url https://releases.example.com`)"
            )
        if not self.url and not self.certificate and not _loopback(self.host):
            raise Shut(
                "people come back from the issuer, and that needs TLS: say how they reach it (`--url https://...`)"
            )


def read_entrance(home: Path) -> Entrance:
    """What the home declares; the default where it declares nothing. Raises Shut when the file cannot be understood."""
    try:
        content = (home / FILE).read_bytes()
    except FileNotFoundError:
        return Entrance()
    try:
        return msgspec.json.decode(content, type=Entrance)
    except UNREADABLE as error:
        raise Shut(f"{home / FILE} cannot be understood: {why(error)}") from error


def allowed_at(home: Path) -> Bounds:
    """How far connections of this home may go; nothing is allowed by a file that cannot be understood."""
    try:
        return read_entrance(home).bounds()
    except Shut:
        return Bounds()


def write_entrance(home: Path, entrance: Entrance) -> None:
    """Declare it, for the controller's next start. Raises Shut, OSError."""
    entrance.check()
    _write(home / FILE, msgspec.json.format(msgspec.json.encode(entrance)))


def address_of(home: Path) -> str:
    """Where the door of the running controller is, as a URL; empty when there is none."""
    try:
        return (home / ADDRESS).read_text().strip()
    except OSError:
        return ""


def link_of(home: Path) -> Callable[[str], str]:
    """Says where others can look at a release, in the words of the door that is open then; empty where they cannot."""

    def link(release: str) -> str:
        url = address_of(home)
        try:
            public = _public(read_entrance(home))
        except Shut:
            return ""
        return f"{url.removesuffix('/')}/releases/{release}" if url and public else ""

    return link


def _public(entrance: Entrance) -> bool:
    """Whether others than this machine can reach the door."""
    return bool(entrance.url) or not _loopback(entrance.host)


Vouch = Callable[[OpenId, str], Vouching]
"""Makes what lets people in at the door of an address. Raises PortError."""


@contextlib.asynccontextmanager
async def open_door(home: Path, web_services: WebServices, vouch: Vouch | None = None) -> AsyncGenerator[str]:
    """Serve at the front door while the context lasts; gives its URL, empty where it is declared off or stays shut.

    A door that cannot be opened says so in the controller's health, and stops no release. Where only the way by the
    issuer is in trouble, the others stay open.
    """
    (home / ADDRESS).unlink(missing_ok=True)  # of a controller that was killed
    try:
        entrance = read_entrance(home)
        opened = None if entrance.off else _open(entrance, _last_port(home))
    except Shut as shut:
        web_services.door.trouble = str(shut)
        entrance, opened = Entrance(off=True), None
    if opened is None:
        yield ""
        return
    tls = Tls(entrance.certificate, entrance.key) if entrance.certificate else None
    with contextlib.closing(opened) as listener:
        web_services.door.bounds = entrance.bounds().narrowed()
        web_services.door.public = _public(entrance)
        port = listener.getsockname()[1]
        address = web_services.door.url = entrance.url or _url(entrance, port)
        _write(home / LAST_PORT, b"%d" % port)
        _write(home / ADDRESS, address.encode())
        if entrance.openid is not None and vouch is not None:
            _let_in(web_services, entrance.openid, vouch)
        try:
            async with serving(
                behind_door(web_services, Pages(web_services).routes()), listener, tls, entrance.proxies
            ):
                yield address
        finally:
            web_services.door.url, web_services.door.vouching = "", None
            (home / ADDRESS).unlink(missing_ok=True)


def _let_in(web_services: WebServices, openid: OpenId, vouch: Vouch) -> None:
    door = web_services.door
    try:
        door.vouching = vouch(openid, door.url.removesuffix("/"))
        door.vouching.people()
    except PortError as error:
        door.trouble = f"nobody comes in by {openid.issuer}: {error}"


def _last_port(home: Path) -> int | None:
    try:
        port = int((home / LAST_PORT).read_text())
    except (OSError, ValueError):
        return None
    return port if 0 < port <= PORT_MAX else None


def _open(entrance: Entrance, last_port: int | None) -> socket.socket:
    """Where no port is declared: at the one it had last, else at the default, else at any free one. Raises Shut."""
    entrance.check()
    for file in filter(None, (entrance.certificate, entrance.key)):
        if not os.access(file, os.R_OK):
            raise Shut(f"the file {file} for TLS cannot be read")
    if entrance.port is not None:
        try:
            return tcp_listener(entrance.host, entrance.port)
        except OSError as error:
            raise Shut(
                f"{entrance.host}:{entrance.port} cannot be listened at: {error.strerror}; "
                "choose another: `headgate up --listen HOST:PORT`"
            ) from error
    for port in (last_port or PORT, PORT):
        with contextlib.suppress(OSError):
            return tcp_listener(entrance.host, port)
    try:
        return tcp_listener(entrance.host, 0)
    except OSError as error:
        raise Shut(f"{entrance.host} cannot be listened at: {error.strerror}") from error


def _url(entrance: Entrance, port: int) -> str:
    host = f"[{entrance.host}]" if ":" in entrance.host else entrance.host
    return f"{'https' if entrance.certificate else 'http'}://{host}:{port}"


def _everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _write(path: Path, content: bytes) -> None:
    """Replace the file as a whole, for its owner only."""
    new = path.with_suffix(f".{os.getpid()}.new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    new.replace(path)
