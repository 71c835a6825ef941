"""HttpWeb connects to addresses that were checked and to no others: names are answered here, by no network."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from headgate.plugins.web.client import HttpWeb, Limits, origin
from headgate.ports import Permanent, Temporary
from headgate.ports.reach import Bounds, bounds_of
from headgate.ports.web import Answer, Request
from headgate.testing.web import HOST, Script, http_server

DOOR = Bounds(public=True)
NAME = "prometheus.internal"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Names:
    """Answers each name with its next addresses, the last for good; `asked` is what was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Ends:
    """A server, and a web whose names are answered by `names`. `heard` is what reached the server."""

    def __init__(self, url: str, web: HttpWeb, names: Names, heard: list[Request]) -> None:
        self.port = int(url.rpartition(":")[2])
        self.web = web
        self.names = names
        self.heard = heard

    async def get(self, host: str, path: str = "/x") -> Answer:
        return await self.web.ask(Request("GET", f"http://{host}:{self.port}{path}", timeout_s=10.0))


def play(
    scenario: Callable[[Ends], Awaitable[None]],
    *answers: Sequence[str],
    bounds: Bounds = DOOR,
    script: Script = lambda _: Answer(200, {}, b"ok"),
) -> None:
    heard: list[Request] = []

    def listening(request: Request) -> Answer:
        heard.append(request)
        return script(request)

    async def inside() -> None:
        async with http_server(listening) as url:
            names = Names(*answers or ((),))
            web = HttpWeb(Limits(attempts=1), bounds=bounds, resolve=names)
            try:
                await scenario(Ends(url, web, names, heard))
            finally:
                await web.aclose()

    asyncio.run(inside())


def test_a_name_that_leads_to_a_private_address_is_not_asked() -> None:
    async def scenario(ends: Ends) -> None:
        with pytest.raises(Permanent) as raised:
            await ends.get(NAME)
        told = str(raised.value)
        assert f"GET http://{NAME}:{ends.port}/x: {NAME} leads to {HOST} is loopback (127.0.0.0/8)" in told
        assert f"headgate up --reach {NAME}" in told
        assert not ends.heard

    play(scenario, [HOST])


def test_it_is_asked_where_the_owner_declared_it_or_allows_it() -> None:
    async def scenario(ends: Ends) -> None:
        assert (await ends.get(NAME)).body == b"ok"
        assert ends.heard[0].headers["host"] == f"{NAME}:{ends.port}"

    for bounds in (Bounds(), bounds_of([NAME]).narrowed(), bounds_of(["127.0.0.0/8"]).narrowed()):
        play(scenario, [HOST], bounds=bounds)


def test_one_private_address_among_others_is_enough() -> None:
    async def scenario(ends: Ends) -> None:
        with pytest.raises(Permanent, match=r"10\.0\.0\.7 is private"):
            await ends.get(NAME)

    play(scenario, ["93.184.216.34", "10.0.0.7"])


def test_another_answer_later_leads_nowhere_else() -> None:
    async def scenario(ends: Ends) -> None:
        await ends.get(NAME)
        with pytest.raises(Permanent, match="link-local"):
            await ends.get(NAME)
        assert len(ends.names.asked) == 2, (
            "a name is resolved once a request, and its answer is what is connected to"
        )
        assert len(ends.heard) == 1

    play(scenario, [HOST], ["169.254.169.254"], bounds=Bounds())


def test_the_next_address_is_tried_where_nobody_listens() -> None:
    async def scenario(ends: Ends) -> None:
        assert (await ends.get(NAME)).body == b"ok"

    play(scenario, ["127.0.0.2", HOST], bounds=Bounds())


def test_a_name_without_an_address() -> None:
    async def scenario(ends: Ends) -> None:
        with pytest.raises(Temporary, match="no connection"):
            await ends.get(NAME)

    play(scenario)


@pytest.mark.parametrize(
    "host",
    [
        HOST,
        "2130706433",
        "0x7f000001",
        "127.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "everybody.example@127.0.0.1",
        "everybody.example%2f@127.0.0.1",
        "127.0.0.1.",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_however_loopback_is_written(host: str) -> None:
    async def scenario(ends: Ends) -> None:
        with pytest.raises(Permanent, match="loopback"):
            await ends.get(host)
        assert not ends.heard
        assert not ends.names.asked

    play(scenario, [HOST])


def test_octal_is_no_address_at_all() -> None:
    async def scenario(ends: Ends) -> None:
        with pytest.raises(Temporary, match="Invalid IPv4 address"):
            await ends.get("0177.0.0.1")
        assert not ends.heard

    play(scenario, [HOST], bounds=Bounds())


@pytest.mark.parametrize("host", ["localhost", "localhost.", "LOCALHOST"])
def test_localhost_is_a_name(host: str) -> None:
    async def scenario(ends: Ends) -> None:
        with pytest.raises(Permanent, match=r"leads to (::1|127\.0\.0\.1) is loopback"):
            await ends.get(host)
        assert not ends.heard

    play(scenario, ["::1", HOST])


def test_a_redirect_to_the_metadata_is_not_followed() -> None:
    async def scenario(ends: Ends) -> None:
        for path in ("/far", "/near"):
            with pytest.raises(Permanent, match="which is not followed"):
                await ends.get(HOST, path)
        assert [request.url.rpartition("/")[2] for request in ends.heard] == ["far", "near"]

    def script(request: Request) -> Answer:
        far = request.url.endswith("far")
        there = "http://169.254.169.254/latest/meta-data" if far else "//169.254.169.254:80/"
        return Answer(302, {"location": there}, b"")

    play(scenario, bounds=Bounds(), script=script)


def test_a_redirect_within_the_origin_is_checked_again() -> None:
    async def scenario(ends: Ends) -> None:
        with pytest.raises(Permanent, match=r"10\.0\.0\.7 is private"):
            await ends.get(NAME, "/old")
        assert len(ends.heard) == 1

    bounds = bounds_of(["127.0.0.1"]).narrowed()
    play(
        scenario, [HOST], ["10.0.0.7"], bounds=bounds, script=lambda _: Answer(302, {"location": "/new"}, b"")
    )


def test_a_proxy_is_given_names_unchecked_and_no_private_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(ends: Ends) -> None:
        monkeypatch.setenv("http_proxy", f"http://{HOST}:{ends.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        assert (await ends.web.ask(Request("GET", f"http://{NAME}/x", timeout_s=10.0))).body == b"ok"
        assert not ends.names.asked
        for host in ("10.0.0.7", "0x0a000007", "localhost."):
            with pytest.raises(Permanent, match="out of reach"):
                await ends.web.ask(Request("GET", f"http://{host}/x", timeout_s=10.0))
        assert len(ends.heard) == 1

    play(scenario)


# --- TLS -------------------------------------------------------------------------------------------------------------


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(LONG_AGO)
        .not_valid_after(LONG_AGO + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "site.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextlib.asynccontextmanager
async def secured(certificate: Path) -> AsyncGenerator[int]:
    """Answers everything over TLS; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(serve, HOST, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(("name", "good"), [(NAME, True), ("other.internal", False)])
def test_tls_verifies_the_name_and_not_the_address(
    name: str, *, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path, NAME)
    monkeypatch.setattr(origin, "_trusted", lambda: ssl.create_default_context(cafile=str(certificate)))

    async def scenario() -> None:
        async with secured(certificate) as port:
            web = HttpWeb(Limits(attempts=1), resolve=Names([HOST]))
            try:
                asked = web.ask(Request("GET", f"https://{name}:{port}/x", timeout_s=10.0))
                if good:
                    assert (await asked).body == b"ok"
                else:
                    with pytest.raises(Temporary, match="certificate verify failed"):
                        await asked
            finally:
                await web.aclose()

    asyncio.run(scenario())
