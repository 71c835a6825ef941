"""The judge's answer, with the numbers it rests on."""

from collections.abc import Iterable
from typing import Literal

import msgspec

VerdictKind = Literal["pass", "fail", "watch", "hold_external", "inconclusive", "no_data"]
"""`hold_external`: stable itself is in trouble, the canary is not worse. No good news, and not the canary's fault."""


class Evidence(msgspec.Struct, frozen=True):
    """One metric's part in a verdict.

    `e_value` is the evidence against "no worse than allowed" (1 is none; 100 is "100 to 1 that the canary is worse");
    `ratio` is canary over stable (or over the allowed value) in the present step; [`low`, `high`] is its interval,
    which covers the truth at all times at once with probability 95% (None: nothing bounds it on that side yet);
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
    """`kind` is the decision, `evidence` its combined e-value, `needed` the value at which it becomes `fail`.

    `shared`: stable got worse right after a step, so that the canary may harm what both depend on; said only with
    `hold_external`. `placebo` is the most that the same evidence has been for one half of stable's instances against
    the other: where it reaches `needed`, this judge would have failed stable against itself.
    `warnings` decide nothing; they stand in the reason, too.
    `learnt`: nobody is exposed yet, and stable has been seen enough to judge a candidate that takes all its traffic.
    """

    kind: VerdictKind
    reason: str
    evidence: float = 1.0
    needed: float = 100.0
    metrics: tuple[Evidence, ...] = ()
    shared: bool = False
    placebo: float = 1.0
    learnt: bool = False
    warnings: tuple[str, ...] = ()


# What a gate, a probe or a smoke test answers: pass, warn, fail or unknown, with its evidence.

Answer = Literal["pass", "warn", "unknown", "fail"]

_RISING: tuple[Answer, ...] = ("pass", "warn", "unknown", "fail")


class Finding(msgspec.Struct, frozen=True):
    """One answer to one question. `check` names the question, `evidence` says what was seen, `hint` what to do."""

    check: str
    answer: Answer
    evidence: str
    hint: str = ""


def worst(findings: Iterable[Finding]) -> Answer:
    """The gravest answer among `findings`; no question asked is no objection: `pass`."""
    return _RISING[max((_RISING.index(finding.answer) for finding in findings), default=0)]


def in_words(findings: Iterable[Finding]) -> str:
    """The gravest of `findings` as people read them: `check: evidence; check: evidence`."""
    told = tuple(findings)
    gravest = worst(told)
    return "; ".join(f"{finding.check}: {finding.evidence}" for finding in told if finding.answer == gravest)
