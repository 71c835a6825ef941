"""The front door: who comes in by TCP, with what right, and how often. The unix socket is the owner's alone."""

import ipaddress
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request

from headgate.core.home.facts import ActionDenied, SignedIn
from headgate.core.home.identity import folded_name
from headgate.core.home.secrets import Declarations
from headgate.ledger import LedgerError
from headgate.ports.errors import PortError
from headgate.ports.keeper import nothing_declared
from headgate.ports.reach import Bounds
from headgate.web.doors.limits import ACTIONS, DENIALS, DEPARTURES, FAILURES, READS, SIGN_INS, Limiter
from headgate.web.doors.sessions import Session, Sessions, Tickets, same
from headgate.web.doors.tokens import HomeBook, Tokens
from headgate.web.doors.vouching import Vouching, vouched_still
from headgate.web.hooks.vault import MemoryVault, Vault
from headgate.web.http.endpoint import Endpoint
from headgate.web.http.keeping import Drawer
from headgate.web.http.problems import Problem
from headgate.web.http.who import Who

COOKIE = "headgate_session"
UNKNOWN = "unknown"
"""Whoever has no address that is one; all of them count as one caller."""

CSRF_HEADER = "x-headgate-csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class FrontDoor:
    """Identifies callers, and keeps a record of those that were turned away."""

    def __init__(
        self, book: HomeBook, now: Callable[[], float] = time.time, sessions: Drawer | None = None
    ) -> None:
        self.book = book
        self.tokens = Tokens(book)
        self.sessions = Sessions(self._still_in, sessions)
        self.tickets = Tickets()
        self.url = ""  # where it is, once it is open
        self.public = False  # whether others than this machine can reach it
        self.trouble = ""  # why it stays shut
        self.vault: Vault = MemoryVault()  # where the secrets of hooks are
        self.vouching: Vouching | None = None  # who vouches for people, if anybody does
        self.bounds = Bounds(public=True)  # how far what comes in here may reach
        self.declared: Callable[[], Declarations] = nothing_declared  # secrets that may be named here
        self.now = now
        self._reads, self._actions, self._failures = Limiter(READS), Limiter(ACTIONS), Limiter(FAILURES)
        self._denials, self._departures = Limiter(DENIALS), Limiter(DEPARTURES)
        self._sign_ins = Limiter(SIGN_INS)

    def link(self, release: str) -> str:
        """Where others can look at a release; empty where they cannot."""
        return f"{self.url}/releases/{release}" if self.url and self.public else ""

    def secure(self, request: Request) -> bool:
        """Whether a cookie of this browser may come back by TLS alone: so it was asked, or so people are told to."""
        return request.url.scheme == "https" or self.url.startswith("https:")

    async def identify(self, request: Request) -> Who:
        """Who asks. Raises Problem: 401 without a good token or session, 403 for a forged request, 429 too often."""
        who = self._by_token(request) or self._by_session(request)
        if who is None:
            raise await self._stranger(request)
        bucket = self._reads if request.method in _SAFE else self._actions
        self._count(bucket, f"{who.door}:{who.name}")
        return who

    async def refused(self, who: Who, endpoint: Endpoint, problem: Problem) -> None:
        """Write a denial down, unless the caller has had many already (DENIALS)."""
        await self._write_denial(who.name, endpoint.name, endpoint.path, problem.document.detail)

    def welcome(self, who: Who) -> bool:
        """Whether what let them in is good yet, with the same right: their token, or their session."""
        try:
            if who.session:
                return self.sessions.current(who.session, self.now()) == who
            return not who.token or self.tokens.good(who.token, self.now())
        except (LedgerError, PortError):
            return False

    def _still_in(self, session: Session, at: float) -> Who | None:
        """See StillIn. Raises LedgerError, PortError."""
        if session.token and not self.tokens.good(session.token, at):
            return None
        return vouched_still(session.who, session.word, self.vouching) if session.word else session.who

    async def _write_denial(self, by: str, action: str, target: str, reason: str) -> None:
        if self._denials.wait_s(by, self.now()):
            return
        event = ActionDenied(at=self.now(), by=by, action=action, target=target, reason=reason)
        try:
            await self.book.note(event)
        except LedgerError:
            return  # the denial stands, and a ledger that cannot be written says so of itself elsewhere

    def session(self, request: Request) -> Session | None:
        """The session that the request's cookie names; None also while nobody can say whether it still counts."""
        name = request.cookies.get(COOKIE, "")
        try:
            return self.sessions.find(name, self.now()) if name else None
        except PortError:
            return None

    async def signed_in(self, who: Who, how: str, subject: str = "") -> None:
        """Count and write down that a session begins. Raises Problem (429), LedgerError: nobody comes in unseen."""
        self._count(self._sign_ins, folded_name(who.name))
        await self.book.note(SignedIn(at=self.now(), by=who.name, how=how, role=who.role, subject=subject))

    def leaving(self, request: Request) -> None:
        """Count a browser that is sent to the issuer. Raises Problem (429)."""
        self._count(self._departures, address(request))

    async def turned_away(self, request: Request, why: str, by: str = "") -> None:
        """Count and write down an attempt to sign in that failed; `by` is known where an issuer vouched for them.

        Raises Problem (429) after too many from one address.
        """
        self.failed(request)
        await self._write_denial(by or address(request), "signIn", request.url.path[:100], why)

    async def unproven(self, where: str, target: str, why: str) -> None:
        """Count and write down a delivery from the address `where` that does not prove who sent it.

        Raises Problem (429) after too many; one that does prove it is never refused for the others.
        """
        self._count(self._failures, where)
        await self._write_denial(where, "deliver", target, why)

    def count_action(self, who: Who) -> None:
        """Count one more thing done by form. Raises Problem (429)."""
        self._count(self._actions, f"{who.door}:{who.name}")

    def failed(self, request: Request) -> None:
        """Count an attempt to get in that failed. Raises Problem (429) after too many from one address."""
        self._count(self._failures, address(request))

    def _by_token(self, request: Request) -> Who | None:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self.tokens.who(text.strip(), self.now())

    def _by_session(self, request: Request) -> Who | None:
        session = self.session(request)
        if session is None:
            return None
        if request.method not in _SAFE and not same(request.headers.get(CSRF_HEADER, ""), session.csrf):
            detail = f"the header {CSRF_HEADER} is not this session's: reload the page"
            raise Problem(HTTPStatus.FORBIDDEN, "forged request", detail)
        return session.who

    async def _stranger(self, request: Request) -> Problem:
        """What to say to somebody whom nothing vouches for. Too many bad tokens: 429; a good one is never refused."""
        if request.headers.get("authorization"):
            self.failed(request)
            await self._write_denial(
                address(request), "identify", request.url.path[:100], "no good token was shown"
            )
        detail = "send a good token (`Authorization: Bearer hg_...`), or sign in; `headgate token issue` gives one out"
        problem = Problem(HTTPStatus.UNAUTHORIZED, "who are you?", detail)
        problem.headers["www-authenticate"] = "Bearer"
        return problem

    def _count(self, bucket: Limiter, caller: str) -> None:
        wait_s = bucket.wait_s(caller, self.now())
        if wait_s:
            problem = Problem(HTTPStatus.TOO_MANY_REQUESTS, "too many requests", f"try again in {wait_s:g} s")
            problem.headers["retry-after"] = f"{wait_s:g}"
            raise problem


def address(request: Request) -> str:
    """Where the request comes from; what a proxy says is believed of declared ones only, and only if it is one."""
    host = request.client.host if request.client else ""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return UNKNOWN
