"""Browsers that we sent to an issuer and that are not back yet: in memory, each for a short time, each good once.

What comes back counts only in the browser that was sent away, as its cookie says: else somebody could be signed in as
somebody else by a link (login CSRF, RFC 9700, section 4.7).
"""

import hashlib
import secrets
from collections import OrderedDict

from headgate.ports.issuer import Errand
from headgate.web.doors.sessions import same

AGE_MAX_S = 600.0
"""How long a person may take to sign in there."""

ARRIVALS_MAX = 1000


class Arrivals:
    """Who is expected. Of too many, those sent away first are forgotten."""

    def __init__(self) -> None:
        self._expected: OrderedDict[str, tuple[float, str, Errand]] = OrderedDict()

    def send(self, back: str, at: float) -> tuple[Errand, str]:
        """A new errand, and what its browser must show when it comes back."""
        errand = Errand(back, secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        shown = secrets.token_urlsafe(32)
        self._expected[_key(errand.state)] = (at + AGE_MAX_S, _key(shown), errand)
        while len(self._expected) > ARRIVALS_MAX:
            self._expected.popitem(last=False)
        return errand, shown

    def receive(self, state: str, shown: str, at: float) -> Errand | None:
        """The errand that a browser is back from; None when it is not the one that was sent. A state is good once."""
        until, expected, errand = self._expected.pop(_key(state), (0.0, "", None))
        return errand if at < until and same(_key(shown), expected) else None


def _key(text: str) -> str:
    """Kept as digests, as sessions are."""
    return hashlib.sha256(text.encode()).hexdigest()
