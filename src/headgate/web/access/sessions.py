"""Sessions of browsers: a random name in a cookie, everything else here, in memory.

A controller that starts again has forgotten them: people sign in again. The cookie is HttpOnly and SameSite=Strict;
what changes anything must also show the session's own anti-forgery text (OWASP's synchroniser token).
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from headgate.web.who import Who

IDLE_S = 8 * 3600.0
"""A session nobody has used for so long is over."""

AGE_MAX_S = 24 * 3600.0
SESSIONS_MAX = 1000
TICKETS_MAX = 20
TICKET_S = 300.0
"""How long a sign-in link is good."""


@dataclass(frozen=True)
class Session:
    """A browser that signed in. `token` is the id of the token it signed in with, if it was one."""

    who: Who
    csrf: str
    began_at: float
    used_at: float
    token: str = ""


class Sessions:
    """The sessions of a home. `still_good` says of a token's id whether it is good yet."""

    def __init__(self, still_good: Callable[[str, float], bool]) -> None:
        self._still_good = still_good
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self, who: Who, at: float, token: str = "") -> str:
        """A new session, with a name that was never used before; returns the name for the cookie."""
        name = secrets.token_urlsafe(32)
        session = Session(replace(who, door="session"), secrets.token_urlsafe(32), at, at, token)
        self._sessions[_key(name)] = session
        while len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)
        return name

    def find(self, name: str, at: float) -> Session | None:
        """The session of this name, used now; None when there is none (any more)."""
        session = self._sessions.pop(_key(name), None)
        if session is None or not self._lives(session, at):
            return None
        session = replace(session, used_at=at)
        self._sessions[_key(name)] = session
        return session

    def end(self, name: str) -> None:
        """Sign out."""
        self._sessions.pop(_key(name), None)

    def _lives(self, session: Session, at: float) -> bool:
        young = at - session.began_at < AGE_MAX_S and at - session.used_at < IDLE_S
        return young and (not session.token or self._still_good(session.token, at))


class Tickets:
    """Sign-in links: each opens one session, once, soon."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, tuple[float, Who]] = OrderedDict()

    def issue(self, who: Who, at: float) -> str:
        """A ticket for `who`."""
        text = secrets.token_urlsafe(32)
        self._until[_key(text)] = (at + TICKET_S, who)
        while len(self._until) > TICKETS_MAX:
            self._until.popitem(last=False)
        return text

    def redeem(self, text: str, at: float) -> Who | None:
        """Whom the ticket was for; it is worth nothing afterwards."""
        until, who = self._until.pop(_key(text), (0.0, None))
        return who if at < until else None


def same(given: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _key(name: str) -> str:
    """Names are kept as digests: what a dump of memory or a debugger shows opens nothing."""
    return hashlib.sha256(name.encode()).hexdigest()
