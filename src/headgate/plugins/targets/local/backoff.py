"""How long to wait before the next restart: Kubernetes' schedule. Pure."""

FIRST_S = 10.0
MAX_S = 300.0
FORGOTTEN_AFTER_S = 600.0
"""An instance that ran this long has its past forgiven."""


class Backoff:
    """The first restart is due at once, then after 10, 20, 40 ... 300 seconds from the restart before."""

    def __init__(self) -> None:
        self._restarts = 0
        self._last = 0.0

    def due(self, now: float) -> float:
        """When the next restart may happen, at the earliest; seconds on the clock of `now`."""
        if self._restarts and now - self._last > FORGOTTEN_AFTER_S:
            self._restarts = 0
        if not self._restarts:
            return now
        return float(self._last + min(MAX_S, FIRST_S * 2 ** min(self._restarts - 1, 10)))

    def restarted(self, now: float) -> None:
        """It was restarted at `now`."""
        self._restarts += 1
        self._last = now
