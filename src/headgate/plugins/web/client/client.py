"""HTTP for plugins: bounded in time, number and size, and considerate of whoever is asked."""

import asyncio
import math
import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from headgate.kit.fence import Resolve, resolve
from headgate.kit.refusals import origin_of, place, refusal, require_sendable, struck, unanswered
from headgate.plugins.web.client.limits import Limits
from headgate.plugins.web.client.origin import Origin, Unsent
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.reach import Bounds
from headgate.ports.web import Answer, Request

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_QUESTIONS = frozenset({"GET", "HEAD"})
_REFUSED, _SERVER, _TOO_MANY, _UNAVAILABLE = 400, 500, 429, 503


class _Again(Exception):  # noqa: N818 - a decision: ask again
    """An attempt failed and another may help. `wait_s` is what the origin asked for; 0: it did not say."""

    def __init__(self, error: PortError, wait_s: float = 0.0) -> None:
        self.error = error
        self.wait_s = wait_s


class HttpWeb:
    """Implements ports.Web. TLS certificates are verified; redirects are followed within the origin only.

    Only addresses within `bounds` are connected to, however a name was resolved: see Origin. Through a proxy that the
    environment names, `bounds` are held against what the host spells, and the rest is the proxy's.
    `now` is the time of day (seconds since the epoch), `draw` uniform in [0, 1), `resolve` finds a name's addresses.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        now: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
        bounds: Bounds | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._limits = limits or Limits()
        self._now = now
        self._draw = draw
        self._bounds = bounds or Bounds()
        self._resolve = resolve
        self._origins: dict[str, Origin] = {}

    async def ask(self, request: Request) -> Answer:
        """See ports.Web."""
        parts = urlsplit(request.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Permanent(f"{place(request)} is no address: it must begin with http:// or https://")
        require_sendable(request)
        origin = await self._origin(origin_of(request.url))
        overall_s = request.timeout_s * self._limits.overall_times
        try:
            async with asyncio.timeout(overall_s):
                return await self._attempts(origin, request)
        except TimeoutError:
            raise unanswered(
                request, f"no answer within {overall_s:g} s, waiting and repetitions included"
            ) from None

    async def aclose(self) -> None:
        """Close every connection."""
        origins, self._origins = self._origins, {}
        for origin in origins.values():
            await origin.aclose()

    async def _origin(self, url: str) -> Origin:
        """The origin's keeper; of the idle ones, those asked longest ago are forgotten."""
        origin = self._origins.pop(url, None) or Origin(url, self._limits, self._bounds, self._resolve)
        self._origins[url] = origin
        if len(self._origins) > self._limits.origins:
            idle = next((name for name, one in self._origins.items() if not one.busy and name != url), None)
            if idle is not None:
                await self._origins.pop(idle).aclose()
        return origin

    async def _attempts(self, origin: Origin, request: Request) -> Answer:
        loop = asyncio.get_running_loop()
        until = loop.time() + request.timeout_s * self._limits.overall_times
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return await self._attempt(origin, request)
            except _Again as again:
                pause = again.wait_s or pause_s(self._limits, attempt, self._draw)
                if attempt == self._limits.attempts or loop.time() + pause >= until:
                    raise again.error from None
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt answers or raises")

    async def _attempt(self, origin: Origin, request: Request) -> Answer:
        """One attempt, redirects included. Raises PortError, and _Again where another attempt may help."""
        loop, breaker = asyncio.get_running_loop(), origin.breaker
        async with origin.place(request):
            if objection := breaker.objection(loop.time()):
                raise unanswered(request, objection)
            try:
                answer = await self._followed(origin, request)
            except Unsent as error:
                breaker.failed(loop.time(), str(error))
                raise _Again(unanswered(request, str(error))) from None
            except Temporary as error:
                breaker.failed(loop.time(), str(error).removeprefix(f"{place(request)}: "))
                raise (_Again(error) if request.retry else error) from None
            except Permanent:
                breaker.succeeded()
                raise
            except BaseException:  # cancelled: whoever asked has lost patience
                breaker.gave_up()
                raise
        if answer.status < _REFUSED:
            breaker.succeeded()
            return answer
        raise self._refused(origin, request, answer) from None

    def _refused(self, origin: Origin, request: Request, answer: Answer) -> Exception:
        now, status = asyncio.get_running_loop().time(), answer.status
        error = refusal(request, status, answer.body)
        wait_s = 0.0
        if status in {_TOO_MANY, _UNAVAILABLE}:
            wait_s = retry_after_s(answer.headers.get("retry-after", ""), self._now())
        if status >= _SERVER:
            origin.breaker.failed(now, f"answered {status}")
        else:
            origin.breaker.succeeded()
        origin.breaker.asked_to_wait(now, wait_s)
        again = isinstance(error, Temporary) and (request.retry or status == _TOO_MANY)
        return _Again(error, wait_s) if again else error

    async def _followed(self, origin: Origin, request: Request) -> Answer:
        url = request.url
        for _ in range(self._limits.redirects + 1):
            answer = await origin.exchange(request, url)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            try:
                there = urljoin(url, answer.headers["location"])
                elsewhere = origin_of(there) != origin_of(request.url)
            except ValueError:
                raise Permanent(
                    f"{place(request)} redirects to what is no address: name the address meant"
                ) from None
            if elsewhere or request.method not in _QUESTIONS:
                shown = struck(f"{origin_of(there)}{urlsplit(there).path}", request.secrets)
                raise Permanent(
                    f"{place(request)} redirects to {shown}, which is not followed: name the address meant"
                )
            url = there
        raise Permanent(f"{place(request)} redirects more than {self._limits.redirects} times")


# How long to wait before asking again.


def pause_s(limits: Limits, attempt: int, draw: Callable[[], float]) -> float:
    """Before attempt `attempt + 1` (from 1): "full jitter", uniform from nothing to a bound that doubles.

    `draw` is uniform in [0, 1). Source: Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
    """
    bound: float = min(limits.pause_max_s, limits.pause_first_s * 2 ** (attempt - 1))
    return draw() * bound


def retry_after_s(value: str, now: float) -> float:
    """Seconds that a `Retry-After` (RFC 9110, 10.2.3: seconds or an HTTP date) asks for; 0 when it says nothing."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        wait = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return max(0.0, wait) if math.isfinite(wait) else 0.0
