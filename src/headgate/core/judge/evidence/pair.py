"""Cases and bad cases of both arms in one interval: what every comparison is made of."""

import msgspec


class Pair(msgspec.Struct, frozen=True):
    """`canary_x` of `canary_n` and `stable_x` of `stable_n`; sums of bounded quantities need not be whole."""

    canary_n: int
    canary_x: float
    stable_n: int
    stable_x: float


def share(x: float, n: float) -> float | None:
    """X of n, or None when there was nothing."""
    return x / n if n > 0 else None
