"""A rule of the usual kind, asked of the same release: a threshold on the errors of a window."""

from collections.abc import Callable, Iterable

import msgspec

from headgate.core.machine.events import AnyEvent, Judged
from headgate.core.model.sample import Sample

_GO_ON = 3
"""So many windows more are told, as the canary was in its last one."""


class Threshold(msgspec.Struct, frozen=True):
    """Roll back when more than `share` of the canary's requests in a window of `window_s` seconds failed.

    It is looked at when a window is over, as monitoring systems have it, and not before the first one is.
    """

    share: float = 0.05
    window_s: float = 60.0

    def __str__(self) -> str:
        """`a threshold of 5% over 60 s`."""
        return f"a threshold of {100 * self.share:g}% over {self.window_s:g} s"


PLAIN = Threshold()


def found_at(samples: Iterable[Sample], rule: Threshold = PLAIN) -> float | None:
    """The end of the first window in which the rule is broken; None: in none of these samples."""
    requests, errors, seconds = 0, 0, 0.0
    for sample in samples:
        seconds += sample.interval_s
        if sample.canary is not None:
            requests += sample.canary.requests
            errors += sample.canary.errors
        if seconds >= rule.window_s:
            if requests and errors > rule.share * requests:
                return sample.at
            requests, errors, seconds = 0, 0, 0.0
    return None


def counterfactual(
    events: Iterable[AnyEvent], samples: Callable[[str], Sample | None], rule: Threshold = PLAIN
) -> str:
    """How the rule compares with the failing verdict of a release, as a sentence; empty where there is none.

    The record ends with the rollback: later, the canary is taken to go on as it was in its last window.
    """
    seen: list[Sample] = []
    for event in events:
        sample = samples(event.sample) if isinstance(event, Judged) else None
        if isinstance(event, Judged) and sample is not None and (seen or _exposed(sample)):
            seen = [*[one for one in seen if one.unit == sample.unit], sample]
            if event.verdict.kind == "fail":
                return _sentence(seen, event.at, rule)
    return ""


def _exposed(sample: Sample) -> bool:
    """A rule that looks at the canary begins when the canary has users."""
    return bool(sample.weight or (sample.canary is not None and sample.canary.requests))


def _sentence(seen: list[Sample], detected_at: float, rule: Threshold) -> str:
    at = found_at(_carried_on(seen, rule), rule)
    name = str(rule).capitalize()
    if at is None:
        return f"{name} would not have found this at all."
    later_s = at - detected_at
    if abs(later_s) < 1:
        return f"{name} would have found this just then."
    return f"{name} would have found this {abs(later_s):.0f} s {'later' if later_s > 0 else 'earlier'}."


def _carried_on(seen: list[Sample], rule: Threshold) -> list[Sample]:
    """The samples, and as many more, like those of the last window, as a few windows take."""
    last, length = list[Sample](), 0.0
    while len(last) < len(seen) and length < rule.window_s:
        last.insert(0, seen[-1 - len(last)])
        length += last[0].interval_s
    going, at, added = list(seen), seen[-1].at, 0.0
    while length > 0 and added < _GO_ON * rule.window_s:
        for one in last:
            at += one.interval_s
            going.append(msgspec.structs.replace(one, at=at))
        added += length
    return going
