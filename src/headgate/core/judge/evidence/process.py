"""An e-process: a bet against the null, spread over alternatives and over the moments at which a fault may begin.

Under the null its mean never exceeds 1, so the chance that it *ever* reaches 1/alpha is at most alpha (Ville 1939): it
may be looked at after every interval, and stopped at any moment (Howard & Ramdas 2021; Shin, Ramdas & Rinaldo 2024).
"""

import math

import msgspec

FROM_START = 0.5
"""Half the mass bets that the fault is there from the start; the rest waits for a fault that begins later."""
CEILING = 1e12
"""Evidence beyond this is not told apart."""


class Process(msgspec.Struct, frozen=True, array_like=True):
    """`mass` is what each alternative's bets have become, `waiting` what has not been bet yet.

    `fresh` is what each alternative gains when the next interval that says something comes.
    """

    mass: tuple[float, ...]
    waiting: float
    fresh: float = 0.0

    @property
    def e_value(self) -> float:
        """The evidence: 1 is none, 100 is "100 to 1 against the null"."""
        return sum(self.mass) + self.waiting + self.fresh * len(self.mass)


def start_process(points: int) -> Process:
    """Nothing seen yet: an e-value of 1."""
    return Process((FROM_START / points,) * points, 1.0 - FROM_START)


def advance(process: Process, logs: list[float], cap: float, release: float) -> Process:
    """One more interval, with each alternative's log-likelihood ratio against the null in `logs`.

    Before it, the share `release` of the waiting mass starts to bet (the restart mixture, with a geometric time of
    onset as Shiryaev's; each restart is an e-process, and so is their average). No alternative gains more than `cap`
    in one interval: a smaller factor is still a valid one, and no verdict then rests on a single burst.
    """
    fresh = process.fresh + process.waiting * release / len(process.mass)
    capped = logs if max(logs) <= cap else [min(log, cap) for log in logs]
    mass = [(m + fresh) * factor for m, factor in zip(process.mass, map(math.exp, capped), strict=True)]
    if max(mass) > CEILING:
        mass = [min(CEILING, m) for m in mass]
    return Process(tuple(mass), process.waiting * (1 - release))


def idle(process: Process, release: float) -> Process:
    """An interval that says nothing: the onset moves on, the evidence stays."""
    begun = process.waiting * release
    return Process(process.mass, process.waiting - begun, process.fresh + begun / len(process.mass))
