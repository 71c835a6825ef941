"""Numbers and times as people read them: filters of the templates."""

import math
import re
from datetime import UTC, datetime

from markupsafe import Markup, escape

from headgate.core.judge.verdict.reading import UNEASY
from headgate.core.model import Evidence

NOTHING = "\N{EN DASH}"
_STEPS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_MANY = 1e6
_SOME = 1.5
"""Below these odds there is nothing to speak of."""


def duration(seconds: float | None) -> str:
    """`3 min`, `1.5 s`, `250 ms`; a dash for nothing."""
    if seconds is None:
        return NOTHING
    for length, unit in _STEPS:
        if seconds >= length:
            count = seconds / length
            said = f"{count:.1f}".removesuffix(".0") if count < 10 else f"{count:.0f}"  # noqa: PLR2004 - one digit
            return f"{said} {unit}"
    return f"{seconds * 1000:.0f} ms" if seconds else "0 s"


def fold(value: float) -> str:
    """A factor: `1.53`, `84,700`."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def odds(value: float | None) -> str:
    """`412 to 1`; `none` where nothing speaks for it yet."""
    if value is None or math.isnan(value):
        return NOTHING
    if value < _SOME:
        return "none"
    if value >= _MANY:
        return "over a million to 1"
    return f"{value:,.0f} to 1" if value >= 10 else f"{value:.1f} to 1"  # noqa: PLR2004 - one digit below


def own_verdict(evidence: Evidence) -> str:
    """One metric's own verdict: nothing passes against which there is evidence that keeps all from passing."""
    return "watch" if evidence.kind == "pass" and evidence.e_value >= UNEASY else evidence.kind


def weighed(evidence: float, needed: float) -> str:
    """The evidence against a new version, beside what it takes to take it back."""
    taken = f"it is taken back at {odds(needed)}"
    if evidence < _SOME:
        return f"no evidence that the new version is worse; {taken}"
    return f"{odds(evidence)} that the new version is worse; {taken}"


def between(one: Evidence) -> str:
    """`1.3 (0.9 to 2.1)`: how many times stable's value the canary's is, and its interval."""
    if one.ratio is None:
        return NOTHING
    low = "0" if one.low is None else f"{one.low:.2g}"
    high = "?" if one.high is None else f"{one.high:.3g}"
    return f"{one.ratio:.3g} ({low} to {high})"


def moment(at: float | None) -> Markup:
    """A time, in the server's words; the page's script shows it in the reader's own zone."""
    if not at:
        return escape(NOTHING)
    when = datetime.fromtimestamp(at, UTC)
    return Markup('<time datetime="{}">{}</time>').format(_iso(at), when.strftime("%Y-%m-%d %H:%M:%S UTC"))


def ago(at: float | None, now: float) -> Markup:
    """`4 min ago`; the page's script lets it grow."""
    if not at:
        return escape(NOTHING)
    passed = now - at
    said = "just now" if passed < 1 else f"{duration(passed)} ago"
    return Markup('<time class="ago" datetime="{}">{}</time>').format(_iso(at), said)


def lasting(at: float, now: float) -> Markup:
    """The time since something began `at`; the page's script lets it grow."""
    return Markup('<time class="lasting" datetime="{}">{}</time>').format(
        _iso(at), duration(max(0.0, now - at))
    )


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def outcome(value: str | None) -> str:
    """`rolled back`."""
    return (value or "under way").replace("_", " ")


def named(key: str) -> str:
    """A name as the style sheet has it: `rolled back` and `rolled_back` are `rolled-back`."""
    return re.sub(r"[^a-z]+", "-", key)
