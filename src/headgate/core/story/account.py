"""The account of a release: its name and its outcome, in plain words for people who were not there.

Everything here is one line of printable text: what people typed (labels, reasons, names) is flattened and cut, and
whoever sends it on escapes it as the service needs.
"""

from collections.abc import Mapping, Sequence

from headgate.core.judge.words import percent
from headgate.core.machine.plan import Leg
from headgate.core.model import Evidence, Role, Version
from headgate.core.release.adjusting import adjustments
from headgate.core.story.report import Fold

LINE_MAX = 500
"""Characters of one line: a service cuts what is longer, and not always at its end."""

_DIGEST = 12
_MINUTE = 60
_HOUR = 3600
_SLOW = "requests over "

Labels = Mapping[Version, str]
"""What people call a version, where they gave it a name."""


def one_line(text: str, most: int = LINE_MAX) -> str:
    """`text` without anything that is not printable, and at most so many characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def sentence(text: str) -> str:
    """`text` as a sentence: a capital first, a full stop last."""
    flat = one_line(text).rstrip(".")
    return f"{flat[:1].upper()}{flat[1:]}." if flat else ""


def span(seconds: float) -> str:
    """A length of time: `0.4 s`, `12 s`, `15 min`, `2 h 5 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    minutes = round(seconds / _MINUTE)
    if seconds < _HOUR:
        return f"{minutes} min"
    hours, rest = divmod(minutes, _MINUTE)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def name(version: Version | None, labels: Labels) -> str:
    """A version as people call it: its label, or the beginning of its digest."""
    if version is None:
        return "nothing"
    return one_line(labels.get(version, ""), 60) or version.artifact[:_DIGEST]


def place(folded: Fold) -> str:
    """Where a release is: `shop/production/web`, or `shop/production: api, web`."""
    units = [leg.unit for leg in folded.plan.legs]
    if len(units) == 1:
        return one_line(str(units[0]), 120)
    services = ", ".join(unit.service for unit in units)
    return one_line(f"{units[0].project}/{units[0].environment}: {services}", 120)


def moved(folded: Fold, labels: Labels) -> str:
    """From what to what: `v2 -> v3`, or by service where there are several."""
    legs = folded.plan.legs
    if len(legs) == 1:
        return _way(legs[0], labels)
    return ", ".join(f"{leg.unit.service} {_way(leg, labels)}" for leg in legs)


def targets(folded: Fold, labels: Labels) -> str:
    """What a release leads to: `v3`, or `api v3, web v7`."""
    legs = folded.plan.legs
    if len(legs) == 1:
        return name(legs[0].change.candidate, labels)
    return ", ".join(f"{leg.unit.service} {name(leg.change.candidate, labels)}" for leg in legs)


def _way(leg: Leg, labels: Labels) -> str:
    if leg.change.adjusts:
        return f"{name(leg.change.candidate, labels)}, {', '.join(adjustments(leg))}"
    return f"{name(leg.change.baseline, labels)} -> {name(leg.change.candidate, labels)}"


def why(folded: Fold, labels: Labels) -> str:
    """Why the release turned round, with two numbers where it was judged; else the reason it gave."""
    state = folded.state
    for leg, here in zip(folded.plan.legs, state.legs, strict=True):
        verdict = here.verdict
        if verdict is None or verdict.kind != "fail" or verdict.reason not in state.reason:
            continue
        failed = sorted((one for one in verdict.metrics if one.kind == "fail"), key=lambda one: -one.e_value)
        blamed = [_beside(one, verdict.metrics) for one in failed]
        return next((said for one in blamed if (said := _compared(one, leg, labels))), sentence(state.reason))
    return sentence(state.reason)


def _beside(found: Evidence, metrics: Sequence[Evidence]) -> Evidence:
    """Of an absolute limit that was broken, the comparison of the same metric: it has the old version's number too."""
    name = found.metric.removesuffix("_max").removesuffix("_limit")
    return next((one for one in metrics if one.metric == name), found)


def _compared(found: Evidence, leg: Leg, labels: Labels) -> str:
    """Two shares of one metric; empty where one of them is not known."""
    if found.stable is None or found.canary is None or leg.change.baseline is None:
        return ""
    new, old = name(leg.change.candidate, labels), name(leg.change.baseline, labels)
    canary, stable = percent(found.canary), percent(found.stable)
    if found.metric.startswith("error_ratio"):
        return f"{canary} of {new}'s requests failed, against {stable} of {old}'s."
    slow = found.note.partition(" ms")[0]
    if found.metric.startswith("latency") and slow.startswith(_SLOW):
        bound = slow.removeprefix(_SLOW)
        return f"{canary} of {new}'s requests took over {bound} ms, against {stable} of {old}'s."
    return f"{one_line(found.metric, 80)}: {canary} for {new}, against {stable} for {old}."


def cost(folded: Fold) -> str:
    """What it cost: how many requests went badly, and for how long users could meet the new version."""
    report = folded.report()
    bad = report.bad_requests_served
    found_s, back_s = report.detected_after_s, report.restored_after_s
    if not any(step.weight for step in report.steps):
        return "No user had reached it yet."
    served = f"{_count(bad, 'request')} served badly" if bad else "No bad request was seen"
    if found_s is None:
        return f"{served}."
    lasted = f", in {span(found_s + (back_s or 0.0))}" if bad else ""
    restored = f"; all traffic was back {span(back_s)} after the verdict" if back_s is not None else ""
    return f"{served}{lasted}: found after {span(found_s)}{restored}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun} was" if number == 1 else f"{number:,} {noun}s were"


def role(one: Role) -> str:
    """Who has a role, and who stands in: `decider: the release manager on call; after 15 min: the head of shop`."""
    fallback = f"; after {span(one.escalate_s)}: {one_line(one.fallback, 120)}" if one.fallback else ""
    return f"{one.name}: {one_line(one.who, 120)}{fallback}"
