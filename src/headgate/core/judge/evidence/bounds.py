"""Which bucket bounds can tell something: those that a fair share, but not most, of stable's requests are over."""

from collections.abc import Collection, Sequence

COMMON = 20.0
"""A bound is useful while at most this many times the criterion's share are over it ..."""
COMMON_MAX = 0.5
"""... and at most this share in any case."""
RARE = 0.1
"""Under this many times the criterion's share a bound counts as never passed ..."""
SPARE = 2
"""... and so many bounds beyond the first such one are of use."""


def useful_bounds(
    le: Sequence[float],
    shares: Sequence[float],
    share: float,
    slots: int,
    among: Collection[int] | None = None,
) -> tuple[int, ...]:
    """The numbers of at most `slots` bounds, given stable's share of requests over each bound (falling).

    `among`: the only ones to choose from (all finite ones, otherwise).
    The first is the one nearest to the criterion (at most `share` are over it): it is the one that proves no harm. Of
    the others those nearest to it are taken, on either side, up to the third that is practically never passed: a slow
    tail shows there best, and what is over that one is over the others too.
    """
    finite = [k for k, bound in enumerate(le) if bound != float("inf") and (among is None or k in among)]
    if not finite:
        return ()
    usable = [k for k in finite if shares[k] <= min(COMMON * share, COMMON_MAX)]
    never = next((k for k in usable if shares[k] <= RARE * share), None)
    candidates = [k for k in usable if never is None or k <= never + SPARE] or finite[-1:]
    first = next((k for k in candidates if shares[k] <= share), candidates[-1])
    ranked = sorted(candidates, key=lambda k: (abs(k - first), -k))
    return tuple(ranked[:slots])
