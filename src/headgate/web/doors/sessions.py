"""Sessions of browsers: a random name in a cookie, everything else here, and kept in the home for the next door.

The cookie is HttpOnly and SameSite=Strict; what changes anything must also show the session's own anti-forgery text
(OWASP's synchroniser token). Of its name only a digest is kept, and of that text nothing: it follows from the name.

What let somebody in is looked at again each time: a session ends with its token, with the role in `people.yaml` that
the issuer's word gave, and with that issuer.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from headgate.core.home.identity import folded_name
from headgate.web.http.keeping import Drawer, MemoryDrawer
from headgate.web.http.who import Who

IDLE_S = 8 * 3600.0
"""A session nobody has used for so long is over."""

AGE_MAX_S = 24 * 3600.0
SESSIONS_MAX = 1000
PER_PERSON_MAX = 20
"""Of more, those that a person has not used for longest end: nobody pushes out anybody else."""

KEEP_EVERY_S = 60.0
"""That a session was used is kept no more often."""

TICKETS_MAX = 20
TICKET_S = 300.0
"""How long a sign-in link is good."""


@dataclass(frozen=True)
class IssuerClaim:
    """What an issuer vouched for when somebody signed in: they `held` these values of the `claim` that is looked at."""

    issuer: str
    claim: str
    held: tuple[str, ...]


@dataclass(frozen=True)
class Session:
    """A browser that signed in: with the token of the id `token`, or by the `word` of an issuer."""

    who: Who
    csrf: str
    began_at: float
    used_at: float
    token: str = ""
    word: IssuerClaim | None = None


StillIn = Callable[[Session, float], Who | None]
"""Who a session is of now, by what let them in; None: it lets nobody in any more. Raises what cannot say so now."""


class Sessions:
    """The sessions of a home."""

    def __init__(self, still_in: StillIn, drawer: Drawer | None = None) -> None:
        self._still_in = still_in
        self._drawer = drawer or MemoryDrawer()
        kept = self._drawer.load(dict[str, Session]) or {}
        self._sessions = OrderedDict(sorted(kept.items(), key=lambda one: one[1].used_at))
        self._kept_at = 0.0

    def begin(self, who: Who, at: float, token: str = "", word: IssuerClaim | None = None) -> str:
        """A new session, with a name that was never used before; returns the name for the cookie."""
        name = secrets.token_urlsafe(32)
        self._sessions[_key(name)] = Session(replace(who, door="session"), "", at, at, token, word)
        self._make_room(who)
        self._keep(at)
        return name

    def find(self, name: str, at: float) -> Session | None:
        """The session of this name, used now; None when there is none (any more)."""
        key = _key(name)
        session = self._current(key, at)
        if session is None:
            return None
        session = replace(session, used_at=at)
        self._sessions[key] = session
        self._sessions.move_to_end(key)
        if at - self._kept_at >= KEEP_EVERY_S:
            self._keep(at)
        return replace(session, csrf=_csrf(name), who=replace(session.who, session=key))

    def current(self, key: str, at: float) -> Who | None:
        """Who the session is of that `Who.session` names, without using it; None: it is over."""
        session = self._current(key, at)
        return session.who if session is not None else None

    def end(self, name: str, at: float) -> None:
        """Sign out."""
        if self._sessions.pop(_key(name), None) is not None:
            self._keep(at)

    def _current(self, key: str, at: float) -> Session | None:
        session = self._sessions.get(key)
        if session is None:
            return None
        who = self._still_in(session, at) if _young(session, at) else None
        if who is None:
            del self._sessions[key]
            self._keep(at)
            return None
        return replace(session, who=who)

    def _make_room(self, who: Who) -> None:
        """Of a person with too many, and else of whoever has most, those end that were not used for longest."""
        theirs = [key for key, one in self._sessions.items() if _same(one.who, who)]
        for key in theirs[:-PER_PERSON_MAX]:
            del self._sessions[key]
        while len(self._sessions) > SESSIONS_MAX:
            by_person: defaultdict[str, list[str]] = defaultdict(list)
            for key, one in self._sessions.items():
                by_person[folded_name(one.who.name)].append(key)
            del self._sessions[max(by_person.values(), key=len)[0]]

    def _keep(self, at: float) -> None:
        self._kept_at = at
        self._drawer.keep({key: one for key, one in self._sessions.items() if _young(one, at)})


def _young(session: Session, at: float) -> bool:
    return at - session.began_at < AGE_MAX_S and at - session.used_at < IDLE_S


def _same(one: Who, other: Who) -> bool:
    return folded_name(one.name) == folded_name(other.name)


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
    """Names are kept as digests: what a file, a dump of memory or a debugger shows opens nothing."""
    return hashlib.sha256(name.encode()).hexdigest()


def _csrf(name: str) -> str:
    """The session's text against forgery: only who has its name can make it."""
    return hmac.new(name.encode(), b"csrf", hashlib.sha256).hexdigest()
