"""Trying again for ever, with pauses that grow: for what must come back in the end, and must not be hammered."""

import time
from collections.abc import Callable


class Backoff:
    """The first try is due at once, then after `first_s`, twice that, ... `max_s` seconds from the try before."""

    def __init__(self, first_s: float, max_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._clock = clock
        self._tries = 0
        self._last = 0.0

    def due(self) -> bool:
        """True when it is time for the next try."""
        pause_s = min(self._max_s, self._first_s * 2.0 ** min(self._tries - 1, 30)) if self._tries else 0.0
        return self._clock() - self._last >= pause_s or not self._tries

    def tried(self) -> None:
        """A try was made just now."""
        self._tries += 1
        self._last = self._clock()

    def well(self) -> None:
        """A try succeeded: the pauses begin anew, once the longest of them has passed since the last try."""
        if self._tries and self._clock() - self._last >= self._max_s:
            self._tries = 0
