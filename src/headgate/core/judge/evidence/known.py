"""What is known of stable's bad share before an interval: over minutes, and lately."""

from functools import lru_cache

import msgspec

KNOWN_N = 20
"""Cases of stable before its share is believed."""
MEMORY_S = 300.0
"""What stable did counts half as much after this time ..."""
RECENT_S = 10.0
"""... and, where it has so many cases that lately is enough, after this time."""
RECENT_N = 500
RECENT_N_EXACT = 50
PRIOR_X = 0.5
PRIOR_N = 50.0
"""A share nobody has measured yet is taken to be the one over the other."""


class KnownShare(msgspec.Struct, frozen=True, array_like=True):
    """What earlier intervals tell of stable's share: over minutes, and lately."""

    n: float = 0.0
    x: float = 0.0
    recent_n: float = 0.0
    recent_x: float = 0.0

    @property
    def share(self) -> float | None:
        """Stable's bad share over minutes, or None."""
        return self.x / self.n if self.n >= KNOWN_N else None


def stable_share(known: KnownShare, *, exact: bool) -> float:
    """The share that bets are placed at: what is known of stable, lately if that is enough, with a prior."""
    if known.recent_n >= (RECENT_N_EXACT if exact else RECENT_N):
        n, x = known.recent_n, known.recent_x
    else:
        n, x = known.n, known.x
    return (x + PRIOR_X) / (n + (1.0 if exact else PRIOR_N))


@lru_cache(maxsize=64)
def _kept(interval_s: float) -> tuple[float, float]:
    return 0.5 ** (interval_s / MEMORY_S), 0.5 ** (interval_s / RECENT_S)


def remember(known: KnownShare, n: int, x: float, interval_s: float) -> KnownShare:
    """One more interval of stable, with `x` bad of `n` cases; what is older counts less."""
    keep, keep_recent = _kept(interval_s)
    return KnownShare(
        known.n * keep + n,
        known.x * keep + x,
        known.recent_n * keep_recent + n,
        known.recent_x * keep_recent + x,
    )
