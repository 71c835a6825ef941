"""Where the front door is: the home's `web.json` says it, and whoever starts the controller may change it.

Loopback by default. Beyond it the door stays shut unless it has TLS, or somebody said in so many words that it needs
none (a proxy in front does it).
"""

import contextlib
import ipaddress
import os
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from headgate.web.application import Backstage, behind_door
from headgate.web.pages.pages import Pages
from headgate.web.serve import Tls, serving, tcp_listener

PORT = 7480
"""The default; where it is taken and nobody asked for it, another one is found."""

FILE = "web.json"
ADDRESS = "web.address"


class Shut(Exception):  # noqa: N818 - a fact about the door
    """The door cannot be opened as it is declared. The message says what to change."""


class Entrance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `web.json` holds. `port` None: PORT, or any free one. `off`: there is no door but the unix socket.

    `certificate` and `key` are files (PEM); `plain` is the word that TLS is somebody else's business; `url` is how
    people reach the door where a proxy stands before it.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    certificate: str = ""
    key: str = ""
    plain: bool = False
    url: str = ""
    off: bool = False

    def check(self) -> None:
        """Raises Shut."""
        if bool(self.certificate) != bool(self.key):
            raise Shut("TLS needs both a certificate and its key: `--tls-certificate FILE --tls-key FILE`")
        if not self.certificate and not self.plain and not _loopback(self.host):
            raise Shut(
                f"{self.host} can be reached from elsewhere, so it needs TLS (`--tls-certificate`, `--tls-key`), "
                "or the word that a proxy before it has TLS (`--plain`)"
            )


def read_entrance(home: Path) -> Entrance:
    """What the home declares; the default where it declares nothing. Raises Shut when the file cannot be understood."""
    try:
        content = (home / FILE).read_bytes()
    except FileNotFoundError:
        return Entrance()
    try:
        return msgspec.json.decode(content, type=Entrance)
    except msgspec.MsgspecError as error:
        raise Shut(f"{home / FILE} cannot be understood: {error}") from error


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


@contextlib.asynccontextmanager
async def open_door(home: Path, backstage: Backstage) -> AsyncGenerator[str]:
    """Serve at the front door while the context lasts; gives its URL, empty where it is declared off or stays shut.

    A door that cannot be opened says so in the controller's health, and stops no release.
    """
    (home / ADDRESS).unlink(missing_ok=True)  # of a controller that was killed
    try:
        entrance = read_entrance(home)
        opened = None if entrance.off else _open(entrance)
    except Shut as shut:
        backstage.door.trouble = str(shut)
        entrance, opened = Entrance(off=True), None
    if opened is None:
        yield ""
        return
    tls = Tls(entrance.certificate, entrance.key) if entrance.certificate else None
    with contextlib.closing(opened) as listener:
        backstage.door.public = bool(entrance.url) or not _loopback(entrance.host)
        address = backstage.door.url = entrance.url or _url(entrance, listener.getsockname()[1])
        _write(home / ADDRESS, address.encode())
        try:
            async with serving(behind_door(backstage, Pages(backstage).routes()), listener, tls):
                yield address
        finally:
            backstage.door.url = ""
            (home / ADDRESS).unlink(missing_ok=True)


def _open(entrance: Entrance) -> socket.socket:
    """Raises Shut."""
    entrance.check()
    for file in filter(None, (entrance.certificate, entrance.key)):
        if not os.access(file, os.R_OK):
            raise Shut(f"the file {file} for TLS cannot be read")
    try:
        return tcp_listener(entrance.host, PORT if entrance.port is None else entrance.port)
    except OSError as error:
        if entrance.port is not None:
            raise Shut(
                f"{entrance.host}:{entrance.port} cannot be listened at: {error.strerror}; "
                "choose another: `headgate up --listen HOST:PORT`"
            ) from error
    try:
        return tcp_listener(entrance.host, 0)
    except OSError as error:
        raise Shut(f"{entrance.host} cannot be listened at: {error.strerror}") from error


def _url(entrance: Entrance, port: int) -> str:
    host = f"[{entrance.host}]" if ":" in entrance.host else entrance.host
    return f"{'https' if entrance.certificate else 'http'}://{host}:{port}"


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
