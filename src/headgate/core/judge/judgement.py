"""One interval of a release judged: while nobody is exposed, at a step's deadline, and where the judge breaks down.

The controller judges live and recovers by it, `core.again.replay` judges again by it: the same words each time.
"""

import msgspec

from headgate.core.judge.deadline import at_deadline
from headgate.core.judge.judge import JudgeState, observe, read, stable_is_dead
from headgate.core.judge.metrics import kind_of
from headgate.core.judge.metrics.errors import LEARNT_N
from headgate.core.judge.verdict.screening import sample_defect, sample_gap
from headgate.core.machine.state import UNEXPOSED
from headgate.core.model import Sample, Verdict
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.sample import Arm

LEARNING = "no traffic reaches the canary: stable alone is watched"
DEAD = "it fails most of its requests, and nothing waits for it"


def judge(
    spec: JudgeSpec, state: JudgeState, sample: Sample, exposure: int, *, deadline: bool = False
) -> tuple[JudgeState, Verdict]:
    """One more interval, under the exposure with this index; `deadline`: the exact test is made too.

    A judge that breaks down remembers nothing of it, and that is no data.
    """
    try:
        after, verdict = observe(spec, state, sample, exposure)
        if exposure == UNEXPOSED:
            return after, _unexposed(spec, after, sample, verdict)
        return _tested(spec, after, verdict) if deadline else (after, verdict)
    except Exception as error:  # noqa: BLE001 - a fault in the judge must neither pass nor blind the release
        return state, Verdict("no_data", f"the judge broke down: {type(error).__name__}: {error}")


def _tested(spec: JudgeSpec, state: JudgeState, verdict: Verdict) -> tuple[JudgeState, Verdict]:
    """The exact test only ever adds a failure: what kept the last interval from passing still does."""
    after, tested = at_deadline(spec, state)
    return after, tested if tested.kind == "fail" else verdict


def _unexposed(spec: JudgeSpec, state: JudgeState, sample: Sample, verdict: Verdict) -> Verdict:
    """The canary is silent because nobody is sent to it: what can be told is how stable is, and that is no pass."""
    if verdict.kind == "fail":
        return verdict
    gap = sample_defect(sample) or sample_gap(sample)
    if gap or sample.stable is None:
        unread = gap or "stable could not be read"
        return msgspec.structs.replace(verdict, kind="no_data", reason=f"in this interval: {unread}")
    dead = stable_is_dead(state)
    external = next((r.external for r in read(spec, state) if r.weight > 0 and r.external and not dead), "")
    missing = unlearnt(spec, state)
    learning = f"{LEARNING}; {missing}" if missing else f"{LEARNING}; {DEAD}" if dead else LEARNING
    kind, reason = ("hold_external", external) if external else ("watch", learning)
    return msgspec.structs.replace(verdict, kind=kind, reason=reason, shared=False, learnt=not missing)


# How many users a version has failed: what a rollback could not undo.


def harmed(spec: JudgeSpec, arm: Arm | None) -> int:
    """How many requests of one arm in one interval went badly, at least.

    Errors (judged or not), answers slower than the declared limit, and business cases that did not come to their good
    end are counted apart, and one request may be all of these: the largest of the counts is certain. An arm that could
    not be read counts none: they are unknown.
    """
    if arm is None:
        return 0
    return max(arm.errors, *[kind_of(criterion).harmed(criterion, arm) for criterion in spec.criteria], 0)


# Whether stable has been seen enough to judge a candidate that takes all of its traffic.


def unlearnt(spec: JudgeSpec, state: JudgeState) -> str:
    """What of stable is not known yet, as a clause; empty: all that the criteria which decide ask for."""
    pairs = zip(spec.criteria, state.metrics, strict=True)
    missing = (kind_of(criterion).unlearnt(criterion, seen) for criterion, seen in pairs)
    return next((clause for clause in missing if clause), "")


def learning_s(spec: JudgeSpec, rate: float) -> float:
    """How long stable is to be watched at `rate` requests a second, in seconds; cases of business signals aside."""
    asked = (kind_of(criterion).learning_n(criterion) for criterion in spec.criteria)
    return max(LEARNT_N, *asked, 0) / rate
