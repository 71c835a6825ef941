"""Rate limits: a token bucket for each that asks (RFC 6585 section 4, 429 with Retry-After)."""

import hashlib
import math
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from headgate.ports.issuer import SignInAttempt
from headgate.web.doors.sessions import same

CALLERS_MAX = 10_000


@dataclass(frozen=True)
class Rate:
    """A rate limit: `burst` requests at once, and `per_s` more each second."""

    burst: float
    per_s: float


READS = Rate(2000, 1000)
"""A person with many windows, or a script: never noticed; a runaway loop is."""

ACTIONS = Rate(60, 2)
FAILURES = Rate(10, 0.1)
"""Attempts to get in that failed, by address."""

DEPARTURES = Rate(30, 0.5)
"""Browsers that are sent to an issuer, by address: nobody shall push out those who are on their way."""

SIGN_INS = Rate(20, 1 / 60)
"""Sessions that begin, by person: each is an entry of the ledger."""

DELIVERIES = Rate(60, 1)
"""What a hook may send that proves itself."""

DENIALS = Rate(20, 1 / 60)
"""What is written down of each that was denied something: the ledger must not be filled by knocking."""


class Limiter:
    """Buckets by caller; the callers that were quiet longest are forgotten, which only ever favours them."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str, at: float) -> float:
        """0 when the caller may go on, and this is counted; otherwise how many seconds until it may."""
        left = self.left(caller, at)
        if left >= 1:
            self._keep(caller, left - 1, at)
            return 0.0
        self._keep(caller, left, at)
        return math.ceil((1 - left) / self._rate.per_s)

    def left(self, caller: str, at: float) -> float:
        """How much the caller has left now."""
        level, seen = self._buckets.get(caller, (self._rate.burst, at))
        return min(self._rate.burst, level + max(0.0, at - seen) * self._rate.per_s)

    def _keep(self, caller: str, level: float, at: float) -> None:
        self._buckets[caller] = (level, at)
        self._buckets.move_to_end(caller)
        while len(self._buckets) > CALLERS_MAX:
            self._buckets.popitem(last=False)


# Browsers that we sent to an issuer and that are not back yet: in memory, each for a short time, each good once.
#
# What comes back counts only in the browser that was sent away, as its cookie says: else somebody could be signed in as
# somebody else by a link (login CSRF, RFC 9700, section 4.7).

AGE_MAX_S = 600.0
"""How long a person may take to sign in there."""

ARRIVALS_MAX = 1000


class Arrivals:
    """Who is expected. Of too many, those sent away first are forgotten."""

    def __init__(self) -> None:
        self._expected: OrderedDict[str, tuple[float, str, SignInAttempt]] = OrderedDict()

    def send(self, back: str, at: float) -> tuple[SignInAttempt, str]:
        """A new attempt, and what its browser must show when it comes back."""
        attempt = SignInAttempt(
            back, secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        )
        shown = secrets.token_urlsafe(32)
        self._expected[_key(attempt.state)] = (at + AGE_MAX_S, _key(shown), attempt)
        while len(self._expected) > ARRIVALS_MAX:
            self._expected.popitem(last=False)
        return attempt, shown

    def receive(self, state: str, shown: str, at: float) -> SignInAttempt | None:
        """The attempt that a browser is back from; None when it is not the one that was sent. A state is good once."""
        until, expected, attempt = self._expected.pop(_key(state), (0.0, "", None))
        return attempt if at < until and same(_key(shown), expected) else None


def _key(text: str) -> str:
    """Kept as digests, as sessions are."""
    return hashlib.sha256(text.encode()).hexdigest()
