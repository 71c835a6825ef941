"""What a gate, a probe or a smoke test answers: pass, warn, fail or unknown, with its evidence."""

from collections.abc import Iterable
from typing import Literal

import msgspec

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
