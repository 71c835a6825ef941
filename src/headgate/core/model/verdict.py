"""The judge's answer, with the numbers it rests on."""

from typing import Literal

import msgspec

VerdictKind = Literal["pass", "fail", "watch", "inconclusive", "no_data"]


class Evidence(msgspec.Struct, frozen=True):
    """One metric's part in a verdict.

    `e_value` is the evidence against "no worse than allowed" (1 is none; 100 is "100 to 1 that the canary is worse");
    `ratio` is canary over stable (or over the allowed value), with an interval [`low`, `high`] where one is known;
    `stable` and `canary` are the measured values, in words for people in `note`.
    """

    metric: str
    kind: VerdictKind
    e_value: float
    stable: float | None = None
    canary: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """`kind` is the decision, `evidence` its combined e-value, `needed` the value at which it becomes `fail`."""

    kind: VerdictKind
    reason: str
    evidence: float = 1.0
    needed: float = 100.0
    metrics: tuple[Evidence, ...] = ()
