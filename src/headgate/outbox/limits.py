"""How long, how often and how much: every bound of the outbox, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds, unless the name says otherwise.

    A parcel is given up after `tries_max` tries, or when it is older than `age_max_s`. The wait between two tries grows
    from `first_retry_s`, doubling, up to `last_retry_s`. `*_max` bound what a lane holds, in parcels, and what is
    remembered of what was given up.
    """

    poll_s: float = 0.5
    entries_max: int = 200
    attempt_s: float = 30.0
    abandon_s: float = 1.0
    first_retry_s: float = 1.0
    last_retry_s: float = 300.0
    tries_max: int = 30
    age_max_s: float = 4 * 3600.0
    queue_max: int = 200
    quiet_max: int = 200
    given_up_max: int = 100
    flush_s: float = 5.0

    def pause_s(self, tries: int) -> float:
        """How long to wait after so many tries (1 or more) in vain."""
        return min(self.last_retry_s, self.first_retry_s * 2.0 ** min(tries - 1, 30))
