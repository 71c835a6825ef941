"""Leaves an origin alone that fails again and again, or that asked to be left alone. Pure: time is an argument."""

from headgate.plugins.web.client.limits import Limits


class Breaker:
    """One origin's. Closed: every request may go. Open: none, until a time. Then one goes alone, and decides."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures = 0
        self._until = 0.0
        self._why = ""
        self._trying = False

    def objection(self, now: float) -> str:
        """Why nothing may be sent now; empty: it may. Whoever then sends says afterwards how it went."""
        if now < self._until:
            return f"{self._why}; it is asked again in {self._until - now:.0f} s"
        if self._failures < self._limits.failures:
            return ""
        if self._trying:
            return f"{self._why}; one request is trying whether it is back"
        self._trying = True
        return ""

    def succeeded(self) -> None:
        """It answered, well or not: it is there."""
        self._failures, self._trying = 0, False

    def failed(self, now: float, why: str) -> None:
        """It did not answer, or said that it is in trouble: `why`, fit to be shown."""
        self._failures, self._trying = self._failures + 1, False
        if self._failures >= self._limits.failures:
            self._leave_alone(
                now + self._limits.open_s, f"it failed {self._failures} times in a row, at last: {why}"
            )

    def asked_to_wait(self, now: float, wait_s: float) -> None:
        """It said when to come back."""
        self._trying = False
        if wait_s > 0:
            wait_s = min(wait_s, self._limits.retry_after_max_s)
            self._leave_alone(now + wait_s, "it asked to be left alone (Retry-After)")

    def gave_up(self) -> None:
        """Whoever was sent did not wait for the end: nothing was learnt."""
        self._trying = False

    def _leave_alone(self, until: float, why: str) -> None:
        self._until, self._why = max(self._until, until), why
