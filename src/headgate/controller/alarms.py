"""Alarms: the moments at which people are told that something is not done yet."""

ALARMS_S = (30.0, 120.0, 600.0, 3600.0)
"""How long after the first try people are told again that it is not done; after the last, every so often."""


class Alarms:
    """When to tell that something is not done yet: after so many `attempts`, then after ever longer times."""

    def __init__(self, attempts: int, now: float) -> None:
        self._attempts = attempts
        self._began = now
        self._told = 0

    def due(self, attempt: int, now: float) -> bool:
        """Whether people should hear of it now; `now` is in seconds on any clock that does not step."""
        if attempt < self._attempts:
            return False
        waits = self._told - 1
        after_s = 0.0 if waits < 0 else ALARMS_S[waits] if waits < len(ALARMS_S) else self._later_s(waits)
        if now - self._began < after_s:
            return False
        self._told += 1
        return True

    def _later_s(self, waits: int) -> float:
        return ALARMS_S[-1] * (waits - len(ALARMS_S) + 2)
