"""One origin: its connections, its queue, its breaker, and one exchange with it."""

import asyncio
import contextlib
import logging
import ssl
import urllib.request
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headgate.kit.fence import Resolve, reachable, require_reachable
from headgate.kit.refusals import out_of_reach, too_large, unanswered
from headgate.plugins.web.client.limits import Limits
from headgate.ports.errors import Permanent, PortError
from headgate.ports.reach import Bounds, known
from headgate.ports.web import Answer, Request

if TYPE_CHECKING:
    import httpx2

USER_AGENT = "headgate"
_HTTPS_PORT, _HTTP_PORT = 443, 80
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


class Unsent(Exception):  # noqa: N818 - a fact: the request did not leave
    """No connection could be made, so the request cannot have had an effect."""


class Origin:
    """Everything kept for one scheme, host and port. Cookies are not kept: each request stands for itself.

    The host is resolved by `resolve` for each request, and only addresses within `bounds` are connected to.
    """

    def __init__(self, url: str, limits: Limits, bounds: Bounds, resolve: Resolve) -> None:
        self._url = url
        self._limits = limits
        self._bounds = bounds
        self._resolve = resolve
        self._proxy = _proxy(url)
        self._places = asyncio.Semaphore(limits.connections)
        self._transport: httpx2.AsyncHTTPTransport | None = None
        self._waiting = 0
        self.busy = 0
        self.breaker = Breaker(limits)

    @contextlib.asynccontextmanager
    async def place(self, request: Request) -> AsyncGenerator[None]:
        """A place among the connections; waits for one. Raises Temporary when too many wait already."""
        if self._waiting >= self._limits.waiting:
            raise unanswered(request, f"{self._waiting} requests to it are waiting already")
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1
            self._places.release()

    async def exchange(self, request: Request, url: str) -> Answer:
        """Send it once. Answers with any status; raises Temporary (no answer), Permanent, Unsent."""
        import httpx2  # noqa: PLC0415 - takes a quarter of a second, and many homes ask nobody

        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._exchange(request, url)
        except TimeoutError:
            raise unanswered(request, f"no answer within {request.timeout_s:g} s") from None
        except PortError:
            raise
        except (httpx2.ConnectError, httpx2.ProxyError) as error:
            raise Unsent(f"no connection ({_said(error)})") from None
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError) as error:
            raise unanswered(request, f"the answer broke off ({_said(error)})") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise unanswered(request, f"no answer ({_said(error)})") from None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _exchange(self, request: Request, url: str) -> Answer:
        import httpx2  # noqa: PLC0415 - see exchange

        headers = {"user-agent": USER_AGENT, "accept-encoding": "gzip"} | dict(request.headers)
        sent = httpx2.Request(request.method, url, headers=headers, content=request.body or None)
        response = await self._sent(sent, await self._addresses(request, sent), request.timeout_s)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._limits.body_max_bytes:
                    raise too_large(request, self._limits.body_max_bytes)
        finally:
            await response.aclose()
        return Answer(response.status_code, dict(response.headers), bytes(body))

    async def _addresses(self, request: Request, sent: "httpx2.Request") -> tuple[str, ...]:
        """Where it may be sent. Raises Permanent, Unsent.

        None where a proxy sends it on, which resolves names itself: only what the host spells is checked then.
        """
        host = sent.url.raw_host.decode("ascii")
        port = sent.url.port or (_HTTPS_PORT if sent.url.scheme == "https" else _HTTP_PORT)
        try:
            if self._proxy is None:
                return await reachable(host, port, self._bounds, self._resolve)
            if known(host):
                require_reachable(known(host), self._bounds)
        except Permanent as error:
            raise out_of_reach(request, str(error)) from None
        except OSError as error:
            raise Unsent(f"no connection ({_said(error)})") from None
        return ()

    async def _sent(
        self, sent: "httpx2.Request", addresses: tuple[str, ...], timeout_s: float
    ) -> "httpx2.Response":
        """The answer of the first address that takes a connection; TLS verifies the name that was asked for."""
        import httpx2  # noqa: PLC0415 - see exchange

        transport = self._opened()
        if addresses:
            sent.extensions["sni_hostname"] = sent.url.raw_host.decode("ascii")
        for address in addresses[:-1]:
            sent.url = sent.url.copy_with(host=address)
            sent.extensions["timeout"] = {"connect": timeout_s / len(addresses)}
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await transport.handle_async_request(sent)
        sent.extensions.pop("timeout", None)
        sent.url = sent.url.copy_with(host=addresses[-1]) if addresses else sent.url
        return await transport.handle_async_request(sent)

    def _opened(self) -> "httpx2.AsyncHTTPTransport":
        import httpx2  # noqa: PLC0415 - see exchange

        if self._transport is None:
            # At DEBUG it would write headers of answers, which may repeat what was sent.
            logging.getLogger("httpcore2").setLevel(logging.INFO)
            self._transport = httpx2.AsyncHTTPTransport(
                verify=_trust(self._url),
                limits=httpx2.Limits(keepalive_expiry=self._limits.keep_alive_s),
                proxy=self._proxy,
            )
        return self._transport


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Certificates are verified against what this system, or httpx2, trusts. Reading them takes a while: once."""
    import httpx2  # noqa: PLC0415 - see exchange

    return httpx2.create_ssl_context()


def _trust(url: str) -> ssl.SSLContext:
    """A context for TLS; one that trusts nobody where none is spoken."""
    return _trusted() if urlsplit(url).scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this origin, if any; never one for this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in _LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


# Leaves an origin alone that fails again and again, or that asked to be left alone. Pure: time is an argument.


class Breaker:
    """One origin's. Closed: every request may go. Open: none, until a time. Then one goes alone, and decides."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures = 0
        self._until = 0.0
        self._why = ""
        self._trying = False

    def objection(self, now: float) -> str:
        """Why nothing may be sent now; empty: it may. Whoever then sends says afterwards how it went."""
        if now < self._until:
            return f"{self._why}; it is asked again in {self._until - now:.0f} s"
        if self._failures < self._limits.failures:
            return ""
        if self._trying:
            return f"{self._why}; one request is trying whether it is back"
        self._trying = True
        return ""

    def succeeded(self) -> None:
        """It answered, well or not: it is there."""
        self._failures, self._trying = 0, False

    def failed(self, now: float, why: str) -> None:
        """It did not answer, or said that it is in trouble: `why`, fit to be shown."""
        self._failures, self._trying = self._failures + 1, False
        if self._failures >= self._limits.failures:
            self._leave_alone(
                now + self._limits.open_s, f"it failed {self._failures} times in a row, at last: {why}"
            )

    def asked_to_wait(self, now: float, wait_s: float) -> None:
        """It said when to come back."""
        self._trying = False
        if wait_s > 0:
            wait_s = min(wait_s, self._limits.retry_after_max_s)
            self._leave_alone(now + wait_s, "it asked to be left alone (Retry-After)")

    def gave_up(self) -> None:
        """Whoever was sent did not wait for the end: nothing was learnt."""
        self._trying = False

    def _leave_alone(self, until: float, why: str) -> None:
        self._until, self._why = max(self._until, until), why
