"""A redirect that leads back to what was asked is no answer: to probes and smoke tests."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from headgate.core.model import Finding, HttpCheck, SmokeTest
from headgate.plugins.targets.local import checks, smoke
from headgate.plugins.targets.local.checks import Outcome, objection
from headgate.plugins.targets.local.record import Spec
from headgate.plugins.targets.local.redaction import Redaction

HOST = "127.0.0.1:8080"
TOLD = {"X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "location", "said"),
    [
        # To HTTPS: what `force_ssl`, `SECURE_SSL_REDIRECT` and their like do, whatever name they give the host.
        ("GET", "/up", {}, 301, f"https://{HOST}/up", "`headers: {x-forwarded-proto: https}`"),
        (
            "GET",
            "/up?a=b",
            {},
            308,
            "https://shop.example/up?a=b",
            "sends everybody to HTTPS (308 to https://shop",
        ),
        ("POST", "/cart", {}, 307, "https://shop.example/cart", "x-forwarded-proto: https"),
        ("GET", "/", {}, 301, "https://shop.example", "x-forwarded-proto: https"),
        ("GET", "/up", TOLD, 301, f"https://{HOST}/up", "although `x-forwarded-proto: https` was sent"),
        # To itself.
        ("GET", "/up", {}, 302, "/up", "it redirects to itself (302 to /up), for ever"),
        ("GET", "/up", {}, 302, f"http://{HOST}/up#top", "redirects to itself"),
        ("GET", "/up", {"host": "shop"}, 302, "http://SHOP/up", "redirects to itself"),
        ("PUT", "/cart", {}, 308, "/cart", "redirects to itself"),
        # To the same at the one host that it answers for.
        ("GET", "/up", {}, 301, "http://www.shop.example/up", "`headers: {host: www.shop.example}`"),
        # Elsewhere: an answer as any other.
        ("GET", "/up", {}, 302, "/login", ""),
        ("GET", "/up", {}, 301, "/up/", ""),
        ("GET", "/up", {}, 301, "https://shop.example/welcome", ""),
        ("GET", "/up", {}, 302, "/up?session=1", ""),
        ("POST", "/form", {}, 303, "/form", ""),  # and then GET it: a form that shows itself again
        ("GET", "/up", {}, 302, "", ""),
        ("GET", "/up", {}, 200, "/up", ""),
        ("GET", "/up", {}, 304, "/up", ""),
        ("GET", "/up", {}, 302, "https://[broken/up", ""),
    ],
)
def test_what_a_redirect_says(
    method: str, path: str, headers: dict[str, str], status: int, location: str, said: str
) -> None:
    found = objection(method, path, headers, HOST, status, location)
    assert (said in found) if said else found == ""


async def _served(forcing: Callable[[int], Awaitable[object]]) -> object:
    """What `forcing` sees at the port of an application that forces HTTPS as long as it is not told."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        told = b"x-forwarded-proto: https" in head
        path = head.split()[1]
        answer = b"200 OK" if told else b"301 Moved\r\nlocation: https://shop.example" + path
        writer.write(b"HTTP/1.1 " + answer + b"\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        return await forcing(server.sockets[0].getsockname()[1])


def _spec(port: int) -> Spec:
    return Spec("a.1", "127.0.0.1", port, ("/bin/true",), "/", "/", "/", {}, {})


def probed(check: HttpCheck) -> Outcome:
    async def forcing(port: int) -> Outcome:
        return await checks.ask(check, _spec(port), 2.0)

    found = asyncio.run(_served(forcing))
    assert isinstance(found, Outcome)
    return found


def test_a_probe_of_an_application_that_forces_https_fails_and_says_which_header_helps() -> None:
    outcome = probed(HttpCheck("/up"))
    assert not outcome.passed
    assert outcome.seen.startswith("GET /up: it sends everybody to HTTPS (301 to https://shop.example/up)")
    assert probed(HttpCheck("/up", headers=TOLD)).passed


def test_a_redirect_that_is_asked_for_by_its_status_is_what_was_asked_for() -> None:
    assert probed(HttpCheck("/up", status=(301,))).passed


def test_a_smoke_test_fails_and_passes_in_the_same_way() -> None:
    def journey(headers: dict[str, str]) -> Finding:
        async def forcing(port: int) -> Finding:
            test = SmokeTest("shop", (HttpCheck("/up", headers=TOLD), HttpCheck("/cart", headers=headers)))
            return await smoke.run(test, _spec(port), 0, Redaction())

        found = asyncio.run(_served(forcing))
        assert isinstance(found, Finding)
        return found

    assert journey(TOLD).answer == "pass"
    refused = journey({})
    assert refused.answer == "fail"
    assert "request 2 of 2, GET /cart: it sends everybody to HTTPS" in str(refused)
