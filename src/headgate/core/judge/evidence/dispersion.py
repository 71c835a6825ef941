"""How bursty bad answers are, learnt from stable alone: retries and storms make ten errors count like two or three.

phi is the variance of a count over the variance it would have if cases were independent. Stable is split in two, over
time (an interval against the one before) and over its instances (in blocks of intervals, which also sees storms that
last longer than one interval, and instances that differ). Given the total x of both parts, with shares w and 1 - w of
the requests, (x_a - w x)^2 has mean phi w (1 - w) x (1 - x/n). Evidence is then tempered: its logarithm is divided
by phi.
A declared bound on bursts (a retry budget of K) gives phi = K + 1, which is exact: y -> L^(y/phi) is convex.
"""

import math
from functools import lru_cache

import msgspec

CAUTION = 1.6
"""Before anything is known, errors are taken to come in bursts with this phi ..."""
CAUTION_ERRORS = 12.0
"""... with the weight of this many errors."""
LONG_ERRORS = 4.0
"""What lasts longer than an interval is believed once so many errors speak for it."""
DOUBT = 0.5
"""So many standard errors are added to what was learnt."""
SURPRISE_MAX = 30.0
"""One comparison says at most this: the onset of an incident is no burst, and must not blind the judge for long."""
BLOCK = 8
"""Intervals in a block."""
BLOCK_ERRORS = 6.0
"""One comparison of blocks tells at most as much as this many errors."""
SETTLED_ERRORS = 30.0
"""With so many errors of stable, compared over blocks, it is known what storms there are ..."""
SETTLED_BLOCKS = 40
"""... and after so many blocks that they are rare, if there are any."""
LASTING = 1.5
"""Bursts last when blocks of intervals show this many times the dispersion of single ones."""
PHI_MAX = 50.0


class Dispersion(msgspec.Struct, frozen=True, array_like=True):
    """Squared differences over their weights, on the scale of one interval and of a block of them.

    `n`, `x`: the interval that waits for its partner. `block_*`: the block being filled (`half_*`: its first half of
    the instances). `last_*`: the block that waits for its partner, where stable has only one instance. `blocks`: how
    many were filled.
    """

    squares: float = 0.0
    weight: float = 0.0
    n: int = 0
    x: float = 0.0
    block_squares: float = 0.0
    block_weight: float = 0.0
    block_size: int = 0
    block_n: int = 0
    block_x: float = 0.0
    half_n: int = 0
    half_x: float = 0.0
    last_n: int = 0
    last_x: float = 0.0
    blocks: int = 0


def _surprise(n_a: int, x_a: float, n_b: int, x_b: float) -> tuple[float, float]:
    """The squared difference of two parts and its weight, in units of errors."""
    n, x = n_a + n_b, x_a + x_b
    if not n_a or not n_b or x <= 0 or x >= n:
        return 0.0, 0.0
    w = n_a / n
    weight = x * (1 - x / n)
    return min((x_a - w * x) ** 2 / (w * (1 - w)), SURPRISE_MAX * weight), weight


def _block_surprise(n_a: int, x_a: float, n_b: int, x_b: float) -> tuple[float, float]:
    """As `_surprise`; one comparison is one draw, however many errors are in it."""
    squares, weight = _surprise(n_a, x_a, n_b, x_b)
    part = min(BLOCK_ERRORS / weight, 1.0) if weight else 0.0
    return squares * part, weight * part


def _close_block(d: Dispersion) -> Dispersion:
    if d.half_n and d.half_n < d.block_n:
        squares, weight = _block_surprise(d.half_n, d.half_x, d.block_n - d.half_n, d.block_x - d.half_x)
        last_n, last_x = 0, 0.0
    else:
        squares, weight = _block_surprise(d.last_n, d.last_x, d.block_n, d.block_x)
        last_n, last_x = (0, 0.0) if d.last_n else (d.block_n, d.block_x)
    return Dispersion(
        d.squares, d.weight, d.n, d.x, d.block_squares + squares, d.block_weight + weight,
        last_n=last_n, last_x=last_x, blocks=d.blocks + 1,
    )  # fmt: skip


def learn(d: Dispersion, n: int, x: float, half: tuple[int, int]) -> Dispersion:
    """What stable's `x` bad of `n` cases in one interval teach; `half`: cases and errors of half of its instances."""
    if n <= 0:
        return d
    squares, weight = _surprise(d.n, d.x, n, x) if d.x or x else (0.0, 0.0)
    waits = not d.n
    grown = Dispersion(
        d.squares + squares,
        d.weight + weight,
        n if waits else 0,
        x if waits else 0.0,
        d.block_squares,
        d.block_weight,
        d.block_size + 1,
        d.block_n + n,
        d.block_x + x,
        d.half_n + half[0],
        d.half_x + half[1],
        d.last_n,
        d.last_x,
        d.blocks,
    )
    return grown if grown.block_size < BLOCK else _close_block(grown)


def _upper(squares: float, weight: float) -> float:
    """The estimate, pulled towards caution, and half a standard error more: a burst tells as much as one error."""
    total = CAUTION_ERRORS + weight
    phi = (CAUTION_ERRORS * CAUTION + squares) / total
    phi = max(phi, 1.0)
    return phi * (1 + DOUBT * weight / total * math.sqrt(phi / total))


@lru_cache(maxsize=1024)
def _cautious(squares: float, weight: float, block_squares: float, block_weight: float) -> float:
    return min(max(_upper(squares, weight), _upper(block_squares, block_weight)), PHI_MAX)


def cautious_phi(d: Dispersion) -> float:
    """The phi that evidence is tempered by, for and against the canary: what was learnt, pulled towards caution."""
    return _cautious(d.squares, d.weight, d.block_squares, d.block_weight)


def plain_phi(d: Dispersion) -> float:
    """The phi that stable has shown: 1 until it has shown bursts."""
    return min(max(1.0, _short_phi(d), _long_phi(d)), PHI_MAX)


def lasting(d: Dispersion) -> float:
    """How many intervals one burst is taken to last: a block of them where counts plainly hang together, else 1."""
    return float(BLOCK) if _long_phi(d) > LASTING * max(_short_phi(d), 1.0) else 1.0


def settled(d: Dispersion) -> bool:
    """Whether stable has had the errors, or the time, to show what storms there are."""
    return d.block_weight >= SETTLED_ERRORS or d.blocks >= SETTLED_BLOCKS


def _short_phi(d: Dispersion) -> float:
    return (CAUTION_ERRORS + d.squares) / (CAUTION_ERRORS + d.weight)


def _long_phi(d: Dispersion) -> float:
    return (LONG_ERRORS + d.block_squares) / (LONG_ERRORS + d.block_weight)
