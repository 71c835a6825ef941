"""A load: how much to send, of what, where to, and for how long; all of it bounded."""

import msgspec

from headgate.lab.load.address import parse_address
from headgate.lab.load.journey import Journey

RATE_PER_S_MAX = 5_000.0
DURATION_S_MAX = 3_600.0
COUNT_MAX = 5_000_000
CONCURRENCY_MAX = 1_000
TIMEOUT_S_MAX = 60.0
EVERY_S_MIN = 0.1
WINDOWS_MAX = 10_000


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to do; made only if it can be done: raises `NotLoopbackError` or `ValueError` otherwise.

    `rate_per_s` are journeys that begin in a second, on average. No journey begins after `duration_s` or
    after `count_max` of them; at most `concurrency_max` are under way at any time: later ones wait, and their
    wait counts as latency. A request that has no answer after `timeout_s` is given up. `headers` go with
    every request; the answer's `version_header` says who answered. `every_s` is the length of a window of the
    results.
    """

    url: str
    rate_per_s: float
    duration_s: float
    count_max: int
    concurrency_max: int
    journeys: tuple[Journey, ...]
    seed: int = 0
    timeout_s: float = 5.0
    every_s: float = 1.0
    version_header: str = "x-shop-version"
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        parse_address(self.url)
        bounds = (
            ("rate_per_s", self.rate_per_s, RATE_PER_S_MAX),
            ("duration_s", self.duration_s, DURATION_S_MAX),
            ("count_max", self.count_max, COUNT_MAX),
            ("concurrency_max", self.concurrency_max, CONCURRENCY_MAX),
            ("timeout_s", self.timeout_s, TIMEOUT_S_MAX),
        )
        wrong = [
            f"{name} must be above 0 and at most {most:g}, not {value:g}"
            for name, value, most in bounds
            if not 0 < value <= most
        ]
        if not self.every_s >= max(EVERY_S_MIN, self.duration_s / WINDOWS_MAX):
            wrong.append(f"every_s must be at least {EVERY_S_MIN:g}, and make at most {WINDOWS_MAX} windows")
        if not self.journeys or len({journey.name for journey in self.journeys}) < len(self.journeys):
            wrong.append("journeys must be one or more, each with a name of its own")
        if wrong:
            raise ValueError("; ".join(wrong))
